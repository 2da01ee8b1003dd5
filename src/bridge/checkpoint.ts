import { isJsonObject, jsonObjectIn } from '../ports/json.js';
import { isRetriable, PortError } from '../ports/errors.js';
import type { Offsets } from '../ports/event-bus.js';
import type {
  EventStore,
  ExpectedRevision,
  Position,
  RecordedEvent,
} from '../ports/event-store.js';
import { type Backoff, retry } from '../platform/async/retry.js';

/** How far a bridge has come, and who keeps that up to date. */
export interface Checkpoint {
  /** Everything up to here is on the bus; null before the first event. It may lag, never lead. */
  readonly position: Position | null;
  /** The last offset in each partition that was acknowledged for it; none where the bus keeps nothing. */
  readonly offsets: Offsets;
  /** The instance that wrote it. */
  readonly holder: string;
  /** A clean stop releases; the next bridge need not wait for silence then. */
  readonly state: 'held' | 'released';
}

export interface ReadCheckpoint {
  readonly revision: ExpectedRevision;
  readonly checkpoint: Checkpoint | null;
}

export interface CheckpointOptions {
  readonly eventStore: EventStore;
  /** Two bridges of the same name are one, of which only one may publish. */
  readonly name: string;
  /** Under which the releases before kept it: followed on where there is none under the name yet. */
  readonly formerName?: string;
  readonly logId: string;
  readonly newId: () => string;
  readonly backoff: Backoff;
}

export type Checkpoints = ReturnType<typeof createCheckpoints>;

export const checkpointStreamOf = (name: string): string => `bridge-checkpoint-${name}`;

const TYPE = 'BridgeCheckpointed';
const KEPT = 10;

export const createCheckpoints = (options: CheckpointOptions) => {
  const { eventStore, name, formerName, logId, newId, backoff } = options;
  const stream = checkpointStreamOf(name);

  const lastOf = async (source: string): Promise<ReadCheckpoint> => {
    for await (const event of eventStore.read(source, { direction: 'backwards', limit: 1 })) {
      return { revision: event.revision, checkpoint: parse(event, source, logId) };
    }
    return { revision: 'no_stream', checkpoint: null };
  };

  return {
    /** Rejects with CORRUPT where the last one cannot be read or belongs to another log. */
    async read(): Promise<ReadCheckpoint> {
      const own = await lastOf(stream);
      if (own.checkpoint !== null || formerName === undefined) return own;
      const { checkpoint } = await lastOf(checkpointStreamOf(formerName));
      // Whoever holds that one holds nothing of this name.
      return { ...own, checkpoint: checkpoint && { ...checkpoint, state: 'released' } };
    },

    head: (): Promise<ExpectedRevision> => eventStore.head(stream),

    /** Old ones are of no use; that they stay for a while does no harm. */
    keepFew: (): Promise<void> => eventStore.setMaxCount(stream, KEPT),

    /**
     * Writes after the revision that was read: another bridge's write in between is a conflict,
     * which is how a bridge learns that it was replaced. Whether it is written is always known in
     * the end: a lost answer is asked for again with the same id, until the signal aborts.
     */
    async write(
      expected: ExpectedRevision,
      { position, offsets, holder, state }: Checkpoint,
      signal: AbortSignal,
    ): Promise<bigint> {
      const at = position && { commit: `${position.commit}`, prepare: `${position.prepare}` };
      const data = {
        ...{ schemaVersion: 1, logId, holder, state, position: at },
        offsets: Object.fromEntries(
          [...offsets].map(([partition, last]) => [partition, `${last}`]),
        ),
      };
      const event = { id: newId(), type: TYPE, data, metadata: {} };
      const append = () => eventStore.append(stream, expected, [event]);
      const { revision } = await retry(append, { backoff, signal, retriable: isRetriable });
      return revision;
    },
  };
};

const parse = (event: RecordedEvent, stream: string, logId: string): Checkpoint => {
  const data = jsonObjectIn(event.data) ?? {};
  if (typeof data['logId'] === 'string' && data['logId'] !== logId) {
    throw refusal(
      stream,
      `belongs to the log ${data['logId']}, not to ${logId}: this log was copied or restored from another. Delete the stream to publish this log from its beginning, to a bus and documents of its own`,
    );
  }
  const { holder, state, position } = data;
  const at = position === null ? null : positionOf(position);
  const offsets = offsetsOf(data['offsets'] ?? {});
  if (
    event.type !== TYPE ||
    data['logId'] !== logId ||
    typeof holder !== 'string' ||
    (state !== 'held' && state !== 'released') ||
    at === undefined ||
    offsets === undefined
  ) {
    throw refusal(
      stream,
      `cannot be read at revision ${event.revision}. Delete the stream to publish the log from its beginning again: the projector drops what it has already`,
    );
  }
  return { holder, state, position: at, offsets };
};

const refusal = (stream: string, what: string) =>
  new PortError('CORRUPT', `The bridge's checkpoint in ${stream} ${what}.`, false, {
    context: { stream },
  });

const DIGITS = /^\d{1,20}$/;

const positionOf = (value: unknown): Position | undefined => {
  if (!isJsonObject(value)) return undefined;
  const { commit, prepare } = value;
  if (typeof commit !== 'string' || typeof prepare !== 'string') return undefined;
  if (!DIGITS.test(commit) || !DIGITS.test(prepare)) return undefined;
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
};

const offsetsOf = (value: unknown): Offsets | undefined => {
  if (!isJsonObject(value)) return undefined;
  const offsets = new Map<number, bigint>();
  for (const [partition, last] of Object.entries(value)) {
    if (!DIGITS.test(partition) || typeof last !== 'string' || !DIGITS.test(last)) return undefined;
    offsets.set(Number(partition), BigInt(last));
  }
  return offsets;
};
