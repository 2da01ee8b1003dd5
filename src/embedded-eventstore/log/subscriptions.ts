import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CommitSignal } from './commit-signal.js';
import type { EventLog, LogRecord, LogSubscriptionItem } from './event-log.js';
import type { LogHeads } from './heads.js';
import { isLinkStream } from './link-rules.js';
import type { LinkIndex } from './links.js';
import { isTombstoned, pacedFilter, type PacedFilter, toNumber } from './reads.js';
import type { LogReader } from './reader.js';
import { firstVisible } from './stream-metadata.js';

const EVENTS_PER_PAGE = 500;
const CAUGHT_UP: LogSubscriptionItem = { kind: 'caught-up' };

interface SubscriptionParts {
  readonly reader: LogReader;
  readonly heads: LogHeads;
  readonly tail: RecentTail;
  readonly signal: CommitSignal;
  readonly links: LinkIndex;
  readonly committed: () => number;
  readonly now: () => number;
}

/**
 * A subscription is a cursor over the log plus a wake-up on commit, so no event is lost or repeated
 * between history and live. The consumer pulls; nothing is queued for it.
 */
export const createLogSubscriptions = (
  parts: SubscriptionParts,
): Pick<EventLog, 'subscribeAll' | 'subscribeStream'> => ({
  subscribeAll: ({ after, filter, checkpointEvery = 32, signal }) => {
    // A checkpoint taken from another log may be beyond the end of this one.
    const cursor =
      after === 'start'
        ? 0
        : Math.min(after === 'end' ? Infinity : toNumber(after), parts.committed());
    const paced = filter === undefined ? undefined : pacedFilter(filter);
    return allEvents(parts, { cursor, checkpointEvery, signal, paced });
  },
  subscribeStream: ({ stream, after, signal }) => {
    if (isLinkStream(stream)) return linkEvents(parts, { stream, after, signal });
    const { last } = parts.heads.get(stream).settled;
    const cursor = after === 'start' ? -1 : after === 'end' ? last : toNumber(after);
    return streamEvents(parts, { stream, cursor, signal });
  },
});

async function* allEvents(
  parts: SubscriptionParts,
  options: {
    readonly cursor: number;
    readonly checkpointEvery: number;
    readonly signal: AbortSignal;
    /** Undefined without a filter: then checkpoints are not needed. */
    readonly paced: PacedFilter | undefined;
  },
): AsyncGenerator<LogSubscriptionItem, void, undefined> {
  const { tail, reader, committed, signal: commits } = parts;
  const { paced, checkpointEvery, signal } = options;
  const over = (): boolean => signal.aborted || commits.hasEnded();
  let { cursor } = options;
  let checkpoint = cursor;
  let considered = 0;
  let live = false;

  while (!over()) {
    if (cursor >= committed()) {
      if (!live) {
        live = true;
        if (paced !== undefined && cursor > checkpoint) {
          checkpoint = cursor;
          yield { kind: 'checkpoint', position: BigInt(cursor) };
        }
        yield CAUGHT_UP;
      } else {
        await commits.next(signal);
      }
      continue;
    }
    let page = tail.after(cursor, EVENTS_PER_PAGE);
    if (page === undefined) {
      // Fell behind the events in memory. Yield, so that reading history does not block the event
      // loop.
      live = false;
      await nextTurn();
      page = reader.after(cursor, committed(), EVENTS_PER_PAGE);
    }
    for (const event of page) {
      if (over()) return;
      cursor = Number(event.position);
      if (paced === undefined) {
        yield { kind: 'event', event };
        continue;
      }
      const ready = paced.ready();
      if (ready !== undefined) {
        await ready;
        if (over()) return;
      }
      if (paced.matches(event)) yield { kind: 'event', event };
      considered += 1;
      if (considered % checkpointEvery === 0) {
        checkpoint = cursor;
        yield { kind: 'checkpoint', position: event.position };
      }
    }
    // Only a gap at the very end could make a page empty, and scavenging never leaves one.
    if (page.length === 0) cursor = committed();
  }
}

async function* streamEvents(
  parts: SubscriptionParts,
  options: { readonly stream: string; readonly cursor: number; readonly signal: AbortSignal },
): AsyncGenerator<LogSubscriptionItem, void, undefined> {
  const { heads, reader, now, signal: commits } = parts;
  const { stream, signal } = options;
  const over = (): boolean => signal.aborted || commits.hasEnded();
  let { cursor } = options;
  let live = false;
  let seenAlive = false;

  while (!over()) {
    const head = heads.get(stream);
    const { last, metadata, tombstoned } = head.settled;
    if (isTombstoned(heads, head) && (!seenAlive || !tombstoned)) {
      yield { kind: 'deleted' };
      return;
    }
    seenAlive = true;
    const from = Math.max(cursor + 1, tombstoned ? 0 : firstVisible(metadata, last));
    if (from > last) {
      if (!live) {
        live = true;
        yield CAUGHT_UP;
      } else {
        // Wake on new metadata too: a write to a soft-deleted stream undeletes it.
        await commits.next(signal, () => {
          const settled = heads.peek(stream)?.settled;
          return settled !== undefined && (settled.last > last || settled.metadata !== metadata);
        });
      }
      continue;
    }
    if (!live) await nextTurn();
    const createdSince = metadata.maxAgeMs === null ? 0 : now() - metadata.maxAgeMs;
    const range = { stream: head.id, from, to: last, createdSince };
    const page = reader.ofStream('forwards', range, EVENTS_PER_PAGE);
    for (const event of page) {
      if (over()) return;
      cursor = toNumber(event.revision);
      yield { kind: 'event', event };
    }
    if (page.length === 0) cursor = last;
    if (tombstoned && cursor >= last) {
      yield { kind: 'deleted' };
      return;
    }
  }
}

/** The links after a place in a link stream; `end` is the end of the log at subscription. */
const linkEvents = (
  parts: SubscriptionParts,
  {
    stream,
    after,
    signal,
  }: {
    readonly stream: string;
    readonly after: bigint | 'start' | 'end';
    readonly signal: AbortSignal;
  },
): AsyncGenerator<LogSubscriptionItem, void, undefined> => {
  const { reader, links, committed } = parts;
  const end = committed();
  const cursorAtStart = async (): Promise<number> => {
    if (after === 'start') return -1;
    if (after !== 'end') return toNumber(after);
    await links.upTo(end);
    return reader.links.last(stream, end) ?? -1;
  };
  return linkEventsAfter(parts, { stream, cursorAtStart, signal });
};

async function* linkEventsAfter(
  parts: SubscriptionParts,
  options: {
    readonly stream: string;
    readonly cursorAtStart: () => Promise<number>;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<LogSubscriptionItem, void, undefined> {
  const { reader, links, committed, signal: commits } = parts;
  const { stream, signal } = options;
  const over = (): boolean => signal.aborted || commits.hasEnded();
  let cursor = await options.cursorAtStart();
  let live = false;

  while (!over()) {
    const upTo = committed();
    await links.upTo(upTo);
    if (over()) return;
    const last = reader.links.last(stream, upTo) ?? -1;
    if (cursor >= last) {
      if (!live) {
        live = true;
        yield CAUGHT_UP;
      } else if (committed() === upTo) {
        await commits.next(signal);
      }
      continue;
    }
    if (!live) await nextTurn();
    const page = reader.links.page(
      stream,
      'forwards',
      { from: cursor + 1, to: last },
      EVENTS_PER_PAGE,
    );
    for (const event of page) {
      if (over()) return;
      cursor = Number(event.revision);
      yield { kind: 'event', event };
    }
  }
}

/**
 * The last committed events in memory, without gaps, so a subscriber that keeps up never reads the
 * disk. Bounded by events and by bytes.
 */
export const createRecentTail = (options: {
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** The end of the log before the first event is pushed. */
  readonly position: number;
}) => {
  let records: LogRecord[] = [];
  let bytes = 0;
  /** Every event after this position is in memory. */
  let completeAfter = options.position;

  const trim = (): void => {
    if (records.length <= 2 * options.maxEvents && bytes <= 2 * options.maxBytes) return;
    let keep = records.length;
    for (let kept = 0; keep > 0 && records.length - keep < options.maxEvents; keep--) {
      kept += sizeOfRecord(records[keep - 1]);
      if (kept > options.maxBytes) break;
    }
    completeAfter = Number(records[keep - 1]?.position ?? completeAfter);
    records = records.slice(keep);
    bytes = records.reduce((sum, record) => sum + sizeOfRecord(record), 0);
  };

  return {
    push: (committed: readonly LogRecord[]): void => {
      for (const record of committed) {
        records.push(record);
        bytes += sizeOfRecord(record);
      }
      trim();
    },
    /** Clears the cache: the log does not end where the pushed events do. */
    restartAt: (position: number): void => {
      records = [];
      bytes = 0;
      completeAfter = position;
    },
    /** Events after a position; undefined if some are no longer in memory. */
    after: (position: number, limit: number): readonly LogRecord[] | undefined => {
      if (position < completeAfter) return undefined;
      const start = firstAfter(records, BigInt(position));
      return records.slice(start, start + limit);
    },
  };
};

type RecentTail = ReturnType<typeof createRecentTail>;

const sizeOfRecord = (record: LogRecord | undefined): number =>
  record === undefined ? 0 : record.data.byteLength + record.metadata.byteLength;

/** Binary search: positions are increasing. */
const firstAfter = (records: readonly LogRecord[], position: bigint): number => {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const record = records[middle];
    if (record !== undefined && record.position > position) high = middle;
    else low = middle + 1;
  }
  return low;
};
