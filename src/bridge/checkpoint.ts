import { randomUUID } from 'node:crypto';
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

/** How far the log was published. */
export interface BridgeProgress {
  /** Everything up to here is on the bus; null before the first event. It may lag, never lead. */
  readonly position: Position | null;
  /** The last offset in each partition that was acknowledged for it; none where the bus keeps nothing. */
  readonly offsets: Offsets;
}

export interface Checkpoint extends BridgeProgress {
  /** The instance that wrote it. */
  readonly owner: string;
  /** A clean stop releases the lease: the next bridge need not wait for silence. */
  readonly state: 'held' | 'released';
}

export interface ReadCheckpoint {
  readonly revision: ExpectedRevision;
  readonly checkpoint: Checkpoint | null;
}

export interface CheckpointOptions {
  readonly eventStore: EventStore;
  /** Of the bridges of one name one publishes, and the others stand by. */
  readonly name: string;
  /** The name in earlier releases: read where there is no checkpoint under the name yet. */
  readonly formerName: string | undefined;
  readonly logId: string;
  readonly backoff: Backoff;
}

export interface Checkpoints {
  /** Rejects with CORRUPT where the last one cannot be read or belongs to another log. */
  read(): Promise<ReadCheckpoint>;
  head(): Promise<ExpectedRevision>;
  /** Lets the event store drop old checkpoints. */
  limitHistory(): Promise<void>;
  /**
   * Writes after the revision that was read: another bridge's write in between is a conflict,
   * which is how a bridge learns that it was replaced. An append of unknown outcome is repeated
   * with the same id until the outcome is known, or the signal aborts.
   */
  write(expected: ExpectedRevision, checkpoint: Checkpoint, signal: AbortSignal): Promise<bigint>;
}

export const checkpointStreamOf = (name: string): string => `bridge-checkpoint-${name}`;

const TYPE = 'BridgeCheckpointed';
const KEPT_CHECKPOINTS = 10;

export const createCheckpoints = (options: CheckpointOptions): Checkpoints => {
  const { eventStore, name, formerName, logId, backoff } = options;
  const stream = checkpointStreamOf(name);

  const lastOf = async (source: string): Promise<ReadCheckpoint> => {
    for await (const event of eventStore.read(source, { direction: 'backwards', limit: 1 })) {
      return { revision: event.revision, checkpoint: checkpointIn(event, source, logId) };
    }
    return { revision: 'no_stream', checkpoint: null };
  };

  return {
    async read() {
      const own = await lastOf(stream);
      if (own.checkpoint !== null || formerName === undefined) return own;
      const { checkpoint } = await lastOf(checkpointStreamOf(formerName));
      // Its owner does not own the checkpoint of this name.
      return { ...own, checkpoint: checkpoint && { ...checkpoint, state: 'released' } };
    },

    head: () => eventStore.head(stream),
    limitHistory: () => eventStore.setMaxCount(stream, KEPT_CHECKPOINTS),

    async write(expected, { position, offsets, owner, state }, signal) {
      const data = {
        schemaVersion: 1,
        logId,
        holder: owner,
        state,
        position: position && { commit: `${position.commit}`, prepare: `${position.prepare}` },
        offsets: Object.fromEntries(
          [...offsets].map(([partition, last]) => [partition, `${last}`]),
        ),
      };
      const event = { id: randomUUID(), type: TYPE, data, metadata: {} };
      const append = () => eventStore.append(stream, expected, [event]);
      const { revision } = await retry(append, { backoff, signal, retriable: isRetriable });
      return revision;
    },
  };
};

const checkpointIn = (event: RecordedEvent, stream: string, logId: string): Checkpoint => {
  const data = jsonObjectIn(event.data) ?? {};
  if (typeof data['logId'] === 'string' && data['logId'] !== logId) {
    throw corruptCheckpoint(
      stream,
      `belongs to the log ${data['logId']}, not to ${logId}: this log was copied or restored from another. Delete the stream to publish this log from its beginning, to a bus and documents of its own`,
    );
  }
  const { holder: owner, state } = data;
  const position = data['position'] === null ? null : positionIn(data['position']);
  const offsets = offsetsIn(data['offsets'] ?? {});
  if (
    event.type !== TYPE ||
    data['logId'] !== logId ||
    typeof owner !== 'string' ||
    (state !== 'held' && state !== 'released') ||
    position === undefined ||
    offsets === undefined
  ) {
    throw corruptCheckpoint(
      stream,
      `cannot be read at revision ${event.revision}. Delete the stream to publish the log from its beginning again: the projector drops what it has already`,
    );
  }
  return { owner, state, position, offsets };
};

const corruptCheckpoint = (stream: string, what: string) =>
  new PortError('CORRUPT', `The bridge's checkpoint in ${stream} ${what}.`, false, {
    context: { stream },
  });

const UINT64 = /^\d{1,20}$/;

const positionIn = (value: unknown): Position | undefined => {
  if (!isJsonObject(value)) return undefined;
  const { commit, prepare } = value;
  if (typeof commit !== 'string' || typeof prepare !== 'string') return undefined;
  if (!UINT64.test(commit) || !UINT64.test(prepare)) return undefined;
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
};

const offsetsIn = (value: unknown): Offsets | undefined => {
  if (!isJsonObject(value)) return undefined;
  const offsets = new Map<number, bigint>();
  for (const [partition, last] of Object.entries(value)) {
    if (!UINT64.test(partition) || typeof last !== 'string' || !UINT64.test(last)) return undefined;
    offsets.set(Number(partition), BigInt(last));
  }
  return offsets;
};
