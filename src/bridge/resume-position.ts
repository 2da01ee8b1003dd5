import { PortError, UnavailableError } from '../ports/errors.js';
import type { EventBus, Offsets } from '../ports/event-bus.js';
import type { Position } from '../ports/event-store.js';
import type { Logger } from '../platform/observability/logger.js';
import type { BridgeProgress } from './checkpoint.js';

/** How far the documents are, where the bus keeps nothing and they are all there is to go by. */
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
 * behind the checkpoint. Rejects with CORRUPT where the bus holds another log.
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

/** Nothing was ever published to it, whatever the checkpoint of another topic of its name says. */
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

/** Rejects with CORRUPT where the bus holds another log. */
export const refuseAnotherLog = async (
  bus: Pick<EventBus, 'sample'>,
  logId: string,
): Promise<void> => {
  const found = (await bus.sample())?.logId ?? null;
  if (found === null || found === logId) return;
  throw new PortError(
    'CORRUPT',
    `The topic holds the log ${found}, but this log is ${logId}. Give each log a topic of its own (KAFKA_TOPIC).`,
    false,
    { context: { found, logId } },
  );
};
