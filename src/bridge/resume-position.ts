import { PortError, UnavailableError } from '../ports/errors.js';
import type { EventBus, Offsets } from '../ports/event-bus.js';
import type { Position } from '../ports/event-store.js';
import type { Logger } from '../platform/observability/logger.js';
import { SOURCE_HEADER } from '../wire/envelope.js';
import type { Checkpoint } from './checkpoint.js';

/** Where consumers that keep nothing on the bus remember how far they are, if there are any. */
export interface FlushedPosition {
  /** Null where nothing was ever flushed. */
  load(): Promise<Position | null>;
  save(position: Position): Promise<void>;
}

/** Publishing begins after this position; the offsets are what is acknowledged of what is before it. */
export interface ResumePosition {
  readonly after: Position | 'start';
  readonly offsets: Offsets;
}

export interface ResumePositionOptions {
  /** What the last checkpoint says. */
  readonly reached: Pick<Checkpoint, 'position' | 'offsets'>;
  readonly flushed: FlushedPosition | undefined;
  readonly bus: Pick<EventBus, 'ends' | 'sample'>;
  /** The CloudEvents source of the log that is to be published. */
  readonly source: string;
  readonly logger: Logger;
}

const BEGINNING: ResumePosition = { after: 'start', offsets: new Map() };

/**
 * Where to begin: after the checkpoint; from the log's beginning where the bus does not hold what
 * the checkpoint says it took; further back where documents that no bus keeps records for are.
 * Rejects with CORRUPT where the bus holds records of another log.
 */
export const resumePosition = async (options: ResumePositionOptions): Promise<ResumePosition> => {
  const { reached, flushed, bus, source, logger } = options;
  const ends = await bus.ends();
  const isFresh = ends !== null && reached.offsets.size === 0 && isEmpty(ends);
  if (ends !== null && reached.position !== null && !isFresh) {
    const lost = missing(reached.offsets, ends);
    if (lost === undefined) return { after: reached.position, offsets: reached.offsets };
    const [partition, last] = lost;
    logger.error(
      'The topic ends before what was published to it: it was made anew or has lost its end. The log is published from its beginning again',
      { partition, published: last, ends: ends.get(partition) ?? null },
    );
  }
  if (ends !== null) {
    await refuseAnotherLog(bus, source);
    return BEGINNING;
  }
  const { position } = reached;
  if (position === null) return BEGINNING;
  if (flushed === undefined) return { after: position, offsets: reached.offsets };
  const documents = await flushed.load();
  if (documents === null) return BEGINNING;
  return { after: isBefore(documents, position) ? documents : position, offsets: reached.offsets };
};

const missing = (published: Offsets, ends: Offsets) =>
  [...published].find(([partition, last]) => (ends.get(partition) ?? 0n) <= last);

/**
 * Rejects where the topic does not hold what another bridge of the same name publishes: to a topic of
 * that name on other brokers, or to one that was made anew, which it finds out with the next event.
 */
export const refuseAnotherTopic = async (
  bus: Pick<EventBus, 'ends'>,
  published: Offsets,
): Promise<void> => {
  const ends = await bus.ends();
  if (ends === null || missing(published, ends) === undefined) return;
  throw new UnavailableError(
    'Another process publishes this log to a topic of the same name that is not this one. Give the topics ' +
      'of other brokers another name (KAFKA_TOPIC).',
  );
};

/** Then nothing was ever published to it, whatever a checkpoint of its name says of something else. */
const isEmpty = (ends: Offsets): boolean => [...ends.values()].every((end) => end === 0n);

/** Rejects with CORRUPT where the bus holds records of another log than the source's. */
export const refuseAnotherLog = async (
  bus: Pick<EventBus, 'sample'>,
  source: string,
): Promise<void> => {
  const found = (await bus.sample())?.headers[SOURCE_HEADER];
  if (found === undefined || found === source) return;
  throw new PortError(
    'CORRUPT',
    `The topic holds records of ${found}, but this log is ${source}. Give each log a topic of its own (KAFKA_TOPIC).`,
    false,
    { context: { found, source } },
  );
};

const isBefore = (a: Position, b: Position): boolean =>
  a.commit < b.commit || (a.commit === b.commit && a.prepare < b.prepare);
