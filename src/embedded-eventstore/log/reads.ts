import {
  type Direction,
  type EventLog,
  type LogFilter,
  type LogRecord,
  type StreamPage,
  TOMBSTONE_REVISION,
} from './event-log.js';
import type { LogHeads } from './heads.js';
import { isLinkStream } from './link-rules.js';
import type { RevisionRange } from './links.js';
import type { LogReader } from './reader.js';
import { firstVisible, isMetastream, originalOf } from './stream-metadata.js';
import type { Head } from './append-rules.js';
import { TOMBSTONE } from './writer-protocol.js';

const matching = ({ on, prefixes, regex }: LogFilter): ((event: LogRecord) => boolean) => {
  const matches = (text: string): boolean =>
    regex === undefined
      ? (prefixes ?? []).some((prefix) => text.startsWith(prefix))
      : regex.test(text);
  return on === 'stream' ? (event) => matches(event.stream) : (event) => matches(event.type);
};

/** How long matching, over all calls together, may block the event loop. */
const MAX_BUSY_MS = 20;

let busyMs = 0;
/** Calls waiting for a turn of the event loop in which they may match, oldest first. */
const waiting: (() => void)[] = [];

const admitNext = (): void => {
  busyMs = 0;
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(admitNext);
};

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(admitNext);
  });

export interface PacedFilter {
  /** Await this before matching an event; undefined if there is time left. */
  ready(): Promise<void> | undefined;
  matches(event: LogRecord): boolean;
}

/**
 * Filters come from clients and may be slow to match. All regular expressions share one time slice
 * of the event loop, in turn, however many clients there are. Prefixes are cheap and never wait.
 */
export const pacedFilter = (filter: LogFilter): PacedFilter => {
  const matches = matching(filter);
  const costs = filter.regex !== undefined;
  return {
    ready: (): Promise<void> | undefined =>
      costs && (busyMs >= MAX_BUSY_MS || waiting.length > 0) ? turn() : undefined,
    matches: (event: LogRecord): boolean => {
      if (!costs) return matches(event);
      const startedAt = performance.now();
      const wanted = matches(event);
      busyMs += performance.now() - startedAt;
      return wanted;
    },
  };
};

type Reads = Pick<EventLog, 'head' | 'readStream' | 'readAll'>;

/** Positions that JavaScript cannot count exactly are past the end of any log. */
export const toNumber = (value: bigint): number =>
  Number(value < 0n ? -1n : value > BigInt(TOMBSTONE) ? BigInt(TOMBSTONE) : value);

export const isTombstoned = (heads: LogHeads, head: Head): boolean =>
  head.settled.tombstoned ||
  (isMetastream(head.name) && heads.get(originalOf(head.name)).settled.tombstoned);

export const createLogReads = (parts: {
  readonly reader: LogReader;
  readonly heads: LogHeads;
  /** Later events are not returned, even if they are on disk. */
  readonly committed: () => number;
  readonly now: () => number;
}): Reads => {
  const { reader, heads, committed, now } = parts;

  const visible = (head: Head) => {
    const { last, metadata } = head.settled;
    return {
      stream: head.id,
      from: firstVisible(metadata, last),
      to: last,
      createdSince: metadata.maxAgeMs === null ? 0 : now() - metadata.maxAgeMs,
    };
  };

  const readLinks: Reads['readStream'] = (stream, from, direction, limit) => {
    const last = reader.links.last(stream, committed());
    if (last === undefined) return { kind: 'missing' };
    const range = narrowed({ from: 0, to: last }, from, direction);
    const events = range === undefined ? [] : reader.links.page(stream, direction, range, limit);
    const endReached = isEnd(range, direction, events);
    return { kind: 'events', events, endReached, firstVisible: 0n, last: BigInt(last) };
  };

  return {
    head: (stream) => {
      const head = heads.get(stream);
      if (isTombstoned(heads, head)) return TOMBSTONE_REVISION;
      const { last, metadata } = head.settled;
      return last < 0 || metadata.softDeleted ? 'no_stream' : BigInt(last);
    },

    readStream: (stream, from, direction, limit): StreamPage => {
      if (isLinkStream(stream)) return readLinks(stream, from, direction, limit);
      const head = heads.get(stream);
      if (isTombstoned(heads, head)) return { kind: 'deleted' };
      const { last, metadata } = head.settled;
      if (last < 0 || metadata.softDeleted) return { kind: 'missing' };
      const whole = visible(head);
      const range = narrowed(whole, from, direction);
      const events = range === undefined ? [] : reader.ofStream(direction, range, limit);
      return {
        kind: 'events',
        events,
        endReached: isEnd(range, direction, events),
        firstVisible: BigInt(whole.from),
        last: BigInt(last),
      };
    },

    readAll: (from, direction, limit) => {
      if (direction === 'forwards') {
        if (from === 'end') return [];
        const after = from === 'start' ? 0 : toNumber(from) - 1;
        return after >= committed() ? [] : reader.after(after, committed(), limit);
      }
      if (from === 'start') return [];
      const end = committed() + 1;
      return reader.before(from === 'end' ? end : Math.min(end, toNumber(from)), limit);
    },
  };
};

/** The part of the visible range on the requested side of `from`; undefined if it is empty. */
const narrowed = <R extends RevisionRange>(
  range: R,
  from: bigint | 'start' | 'end',
  direction: Direction,
): R | undefined => {
  const { from: first, to: last } = range;
  const start = from === 'start' ? 0 : from === 'end' ? null : toNumber(from);
  const part =
    direction === 'forwards'
      ? { ...range, from: start === null ? last + 1 : Math.max(first, start) }
      : { ...range, to: start === null ? last : Math.min(last, start) };
  return part.from <= part.to ? part : undefined;
};

const isEnd = (
  range: RevisionRange | undefined,
  direction: Direction,
  events: readonly LogRecord[],
): boolean => {
  const reached = events.at(-1)?.revision;
  if (range === undefined || reached === undefined) return true;
  return direction === 'forwards' ? reached >= BigInt(range.to) : reached <= BigInt(range.from);
};
