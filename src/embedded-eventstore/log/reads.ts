import type { Direction, EventLog, LogRecord, StreamPage } from './event-log.js';
import type { StreamHeads } from './heads.js';
import type { RevisionRange } from './link-reader.js';
import type { LogReader } from './reader.js';
import { TOMBSTONE_REVISION } from './event-log.js';
import { isLinkStream } from './link-streams.js';
import { firstVisible, isMetastream, originalOf } from './stream-metadata.js';
import type { Head } from './ticket.js';
import { TOMBSTONE } from './writer-protocol.js';

type Reads = Pick<EventLog, 'head' | 'readStream' | 'readAll'>;

/** Positions that JavaScript cannot count exactly are past the end of any log. */
export const toNumber = (value: bigint): number =>
  Number(value < 0n ? -1n : value > BigInt(TOMBSTONE) ? BigInt(TOMBSTONE) : value);

export const isTombstoned = (heads: StreamHeads, head: Head): boolean =>
  head.settled.tombstoned ||
  (isMetastream(head.name) && heads.get(originalOf(head.name)).settled.tombstoned);

export const createLogReads = (parts: {
  readonly reader: LogReader;
  readonly heads: StreamHeads;
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
