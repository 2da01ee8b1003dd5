import { randomUUID } from 'node:crypto';
import { type Backoff, retry } from '../platform/async/retry.js';
import type { Logger } from '../platform/observability/logger.js';
import { isRetriable, PortError, UnavailableError } from '../ports/errors.js';
import type { EventBus, Offsets } from '../ports/event-bus.js';
import type {
  EventStore,
  ExpectedRevision,
  Position,
  RecordedEvent,
} from '../ports/event-store.js';
import { isJsonObject, jsonObjectIn } from '../ports/json.js';

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
  /** Of all bridges with this name, one publishes and the others stand by. */
  readonly name: string;
  /** The name in earlier releases: read where there is no checkpoint under the name yet. */
  readonly formerName: string | undefined;
  readonly logId: string;
  readonly backoff: Backoff;
}

export interface Checkpoints {
  /** Rejects with CORRUPT where the last one cannot be read, AnotherLogError where it is of another log. */
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

/** The checkpoint or the bus belongs to another log: nothing is damaged, but a setting is wrong. */
export class AnotherLogError extends PortError {
  constructor(message: string, context: Readonly<Record<string, unknown>>) {
    super('CORRUPT', message, false, { context });
  }
}

export const checkpointStreamOf = (name: string): string => `bridge-checkpoint-${name}`;

const CHECKPOINT_TYPE = 'BridgeCheckpointed';
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
      const event = { id: randomUUID(), type: CHECKPOINT_TYPE, data, metadata: {} };
      const append = () => eventStore.append(stream, expected, [event]);
      const { revision } = await retry(append, { backoff, signal, retriable: isRetriable });
      return revision;
    },
  };
};

const checkpointIn = (event: RecordedEvent, stream: string, logId: string): Checkpoint => {
  const data = jsonObjectIn(event.data) ?? {};
  if (typeof data['logId'] === 'string' && data['logId'] !== logId) {
    throw new AnotherLogError(
      `The bridge's checkpoint in ${stream} belongs to the log ${data['logId']}, not to ${logId}: this log was copied or restored from another. Delete the stream to publish this log from its beginning, to a bus and documents of its own.`,
      { stream, found: data['logId'], logId },
    );
  }
  const { holder: owner, state } = data;
  const position = data['position'] === null ? null : savedPositionIn(data['position']);
  const offsets = offsetsIn(data['offsets'] ?? {});
  if (
    event.type !== CHECKPOINT_TYPE ||
    data['logId'] !== logId ||
    typeof owner !== 'string' ||
    (state !== 'held' && state !== 'released') ||
    position === undefined ||
    offsets === undefined
  ) {
    throw new PortError(
      'CORRUPT',
      `The bridge's checkpoint in ${stream} cannot be read at revision ${event.revision}. Delete the stream to publish the log from its beginning again: the projector drops what it has already.`,
      false,
      { context: { stream } },
    );
  }
  return { owner, state, position, offsets };
};

const UINT64 = /^\d{1,20}$/;

const savedPositionIn = (value: unknown): Position | undefined => {
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

/** The position of the documents, from which to resume if the bus keeps no records. */
export interface FlushedPosition {
  /** Null where nothing was ever flushed. */
  load(): Promise<Position | null>;
  save(position: Position): Promise<void>;
}

/** Publishing begins after this position; the offsets are those acknowledged for what comes before. */
export interface ResumePosition {
  readonly after: Position | 'start';
  readonly offsets: Offsets;
}

export interface ResumePositionOptions {
  /** From the last checkpoint. */
  readonly progress: BridgeProgress;
  readonly flushed: FlushedPosition | undefined;
  readonly bus: Pick<EventBus, 'ends' | 'sample'>;
  /** Of the log that is to be published. */
  readonly logId: string;
  readonly logger: Logger;
}

const BEGINNING: ResumePosition = { after: 'start', offsets: new Map() };

/**
 * Where to begin: after the checkpoint; at the log's beginning where the bus does not hold what the
 * checkpoint says was published; further back where the bus keeps nothing and the documents are
 * behind the checkpoint. Rejects with AnotherLogError where the bus holds another log.
 */
export const resumePosition = async (options: ResumePositionOptions): Promise<ResumePosition> => {
  const { progress, flushed, bus, logId, logger } = options;
  const { position, offsets } = progress;
  const ends = await bus.ends();
  if (ends === null) return await besideDocuments(progress, flushed);
  const isNewTopic = offsets.size === 0 && isEmptyTopic(ends);
  if (position !== null && !isNewTopic) {
    const lost = firstLost(offsets, ends);
    if (lost === undefined) return { after: position, offsets };
    const [partition, last] = lost;
    logger.error(
      'The topic ends before what was published to it: it was created again or lost its end. The log is published from its beginning again',
      { partition, published: last, ends: ends.get(partition) ?? null },
    );
  }
  await refuseAnotherLog(bus, logId);
  return BEGINNING;
};

const besideDocuments = async (
  { position, offsets }: BridgeProgress,
  flushed: FlushedPosition | undefined,
): Promise<ResumePosition> => {
  if (position === null) return BEGINNING;
  if (flushed === undefined) return { after: position, offsets };
  const documents = await flushed.load();
  if (documents === null) return BEGINNING;
  return { after: earlier(documents, position), offsets };
};

/** The first partition that ends before what was published to it. */
const firstLost = (published: Offsets, ends: Offsets) =>
  [...published].find(([partition, last]) => (ends.get(partition) ?? 0n) <= last);

/** True for a new topic, even if the checkpoint is that of an earlier topic with this name. */
const isEmptyTopic = (ends: Offsets): boolean => [...ends.values()].every((end) => end === 0n);

const earlier = (a: Position, b: Position): Position =>
  a.commit < b.commit || (a.commit === b.commit && a.prepare < b.prepare) ? a : b;

/**
 * Rejects where this topic does not hold what another bridge of the same name publishes. That bridge
 * writes to a topic of the same name on other brokers, or this topic was created again.
 */
export const refuseAnotherTopic = async (
  bus: Pick<EventBus, 'ends'>,
  published: Offsets,
): Promise<void> => {
  const ends = await bus.ends();
  if (ends === null || firstLost(published, ends) === undefined) return;
  throw new UnavailableError(
    'Another process publishes this log to another topic of the same name. Give the topics of other ' +
      'brokers another name (KAFKA_TOPIC).',
  );
};

/** Rejects with AnotherLogError where the bus holds another log. */
export const refuseAnotherLog = async (
  bus: Pick<EventBus, 'sample'>,
  logId: string,
): Promise<void> => {
  const found = (await bus.sample())?.logId ?? null;
  if (found === null || found === logId) return;
  throw new AnotherLogError(
    `The topic holds the log ${found}, but this log is ${logId}. Give each log a topic of its own (KAFKA_TOPIC).`,
    { found, logId },
  );
};
