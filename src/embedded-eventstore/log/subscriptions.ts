import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CommitSignal } from './commit-signal.js';
import type { EventLog, LogSubscriptionItem } from './event-log.js';
import type { LogHeads } from './heads.js';
import { itemsOf } from './item-pages.js';
import { isLinkStream } from './link-rules.js';
import type { LinkIndex } from './links.js';
import { isTombstoned, pacedFilter, type PacedFilter, toNumber } from './reads.js';
import type { LogReader } from './reader.js';
import type { RecentTail } from './recent-tail.js';
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
): Pick<EventLog, 'subscribeAll' | 'subscribeAllInPages' | 'subscribeStream'> => {
  const subscribeAllInPages: EventLog['subscribeAllInPages'] = (options) => {
    const { after, filter, checkpointEvery = 32, signal } = options;
    // A checkpoint taken from another log may be beyond the end of this one.
    const cursor =
      after === 'start'
        ? 0
        : Math.min(after === 'end' ? Infinity : toNumber(after), parts.committed());
    const paced = filter === undefined ? undefined : pacedFilter(filter);
    return pagesOfAll(parts, { cursor, checkpointEvery, signal, paced });
  };
  return {
    subscribeAllInPages,
    subscribeAll: (options) =>
      itemsOf(
        subscribeAllInPages(options),
        () => options.signal.aborted || parts.signal.hasEnded(),
      ),
    subscribeStream: ({ stream, after, signal }) => {
      if (isLinkStream(stream)) return linkEvents(parts, { stream, after, signal });
      const { last } = parts.heads.get(stream).settled;
      const cursor = after === 'start' ? -1 : after === 'end' ? last : toNumber(after);
      return streamEvents(parts, { stream, cursor, signal });
    },
  };
};

async function* pagesOfAll(
  parts: SubscriptionParts,
  options: {
    readonly cursor: number;
    readonly checkpointEvery: number;
    readonly signal: AbortSignal;
    /** Undefined without a filter: then checkpoints are not needed. */
    readonly paced: PacedFilter | undefined;
  },
): AsyncGenerator<readonly LogSubscriptionItem[], void, undefined> {
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
          yield [{ kind: 'checkpoint', position: BigInt(cursor) }];
        }
        yield [CAUGHT_UP];
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
    let items: LogSubscriptionItem[] = [];
    for (const event of page) {
      cursor = Number(event.position);
      if (paced === undefined) {
        items.push({ kind: 'event', event });
        continue;
      }
      const ready = paced.ready();
      if (ready !== undefined) {
        // Nobody waits for what a slow filter has yet to match.
        yield items;
        items = [];
        await ready;
        if (over()) return;
      }
      if (paced.matches(event)) items.push({ kind: 'event', event });
      considered += 1;
      if (considered % checkpointEvery === 0) {
        checkpoint = cursor;
        items.push({ kind: 'checkpoint', position: event.position });
      }
    }
    yield items;
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
