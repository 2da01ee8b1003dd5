import { LRUCache } from 'lru-cache';
import type { AnimeId } from '../../domain/ids.js';
import { abortedAfter } from '../../platform/async/abort.js';
import { UnavailableError } from '../../ports/errors.js';
import type { EventStore, RecordedEvent } from '../../ports/event-store.js';
import {
  begin,
  beginningAt,
  emptyAggregate,
  isDecidable,
  isWholeFrom,
  applyRecorded,
  type CachedAggregate,
  type StreamBeginning,
} from './cached-aggregate.js';
import { refusalOf } from './refused-streams.js';
import type { Snapshots } from './snapshots.js';

/** What all remembered commands together may take: some 40 MB. */
const MAX_CACHED_KEYS = 100_000;

export interface AggregateCache {
  /** What is in memory if it could be decided on a moment ago; it may be behind the stream. */
  cached(animeId: AnimeId): CachedAggregate | undefined;
  /**
   * What is in memory, revalidated, or else from the newest snapshot and the events after it.
   * Rejects with RefusedStreamError where the stream cannot be decided on.
   */
  load(animeId: AnimeId): Promise<CachedAggregate>;
  /**
   * Nothing, unread, where the last animes all had no stream, as in an import: an append that expects
   * none finds out at once whether that holds for this one too, and else it is to be refreshed.
   */
  presumedNew(animeId: AnimeId): CachedAggregate | undefined;
  /** Whether nothing was appended since a moment, by whomever. */
  isCurrent(aggregate: CachedAggregate, since: number): Promise<boolean>;
  /** Reads what was appended since, and shows each of these events. */
  refresh(
    aggregate: CachedAggregate,
    seen?: (event: RecordedEvent) => void,
  ): Promise<CachedAggregate>;
  keep(aggregate: CachedAggregate): void;
  forget(animeId: AnimeId): void;
}

/** Most streams are not longer: they are loaded by one read. */
const FIRST_READ = 64;

/** So many animes without a stream, one after the other, let the next be presumed new. */
const PRESUMED_AFTER = 16;

/** Bounded memory of animes: whatever the number of animes and the length of their streams. */
export const createAggregateCache = (options: {
  readonly store: EventStore;
  readonly snapshots: Snapshots;
  readonly cachedAnimes: number;
  readonly rememberedKeys: number;
  /** How long reading one stream may take. */
  readonly loadTimeoutMs: number;
  /** For how long a stream is taken to begin where it did. */
  readonly beginningForMs: number;
  /** A stream of fewer events has no snapshot. */
  readonly snapshotEvery: number;
}): AggregateCache => {
  const { store, snapshots, cachedAnimes, rememberedKeys } = options;
  const { loadTimeoutMs, beginningForMs } = options;
  const firstRead = Math.min(FIRST_READ, options.snapshotEvery);
  const cache = new LRUCache<AnimeId, CachedAggregate>({
    max: cachedAnimes,
    maxSize: cachedAnimes + MAX_CACHED_KEYS,
    dispose: (aggregate) => void (aggregate.cachedSize = 0),
  });

  /** How many animes in a row had no stream. */
  let unlisted = 0;

  const blank = (animeId: AnimeId): CachedAggregate => emptyAggregate(animeId, rememberedKeys);

  const catchUp = (
    aggregate: CachedAggregate,
    seen: (event: RecordedEvent) => void,
    limit?: number,
  ): Promise<CachedAggregate> =>
    abortedAfter(loadTimeoutMs, (signal) => readOn(aggregate, { seen, limit, signal }));

  const readOn = async (
    aggregate: CachedAggregate,
    {
      seen,
      limit,
      signal,
    }: {
      readonly seen: (event: RecordedEvent) => void;
      readonly limit: number | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<CachedAggregate> => {
    const { stream, revision, animeId } = aggregate;
    const readAt = performance.now();
    if (revision === 'no_stream') begin(aggregate, null);
    // The last known event is read again: where it is not the same, this is another history.
    let anchored = revision === 'no_stream';
    const part = {
      ...(revision === 'no_stream' ? {} : { from: revision }),
      ...(limit === undefined ? {} : { limit }),
    };
    for await (const event of store.read(stream, { ...part, signal })) {
      if (anchored) {
        if (aggregate.revision === 'no_stream') begin(aggregate, beginningAt(aggregate, event));
        // Of no use without what is missing, and it may be long.
        if (!isWholeFrom(aggregate.beginning)) break;
        applyRecorded(aggregate, event);
        seen(event);
      } else if (event.revision === revision && event.id === aggregate.lastEventId) {
        anchored = true;
      } else {
        break;
      }
    }
    if (signal.aborted) throw new UnavailableError(`Reading ${stream} took too long.`);
    if (!anchored) return catchUp(blank(animeId), seen);
    if (revision === 'no_stream') unlisted = aggregate.revision === 'no_stream' ? unlisted + 1 : 0;
    aggregate.readAt = readAt;
    return aggregate;
  };

  const keep = (aggregate: CachedAggregate): void => {
    const size = 1 + aggregate.recent.size + aggregate.unreadable.size;
    if (aggregate.cachedSize === size) return;
    cache.set(aggregate.animeId, aggregate, { size });
    aggregate.cachedSize = size;
  };

  const refresh = async (
    aggregate: CachedAggregate,
    seen: (event: RecordedEvent) => void = () => undefined,
  ): Promise<CachedAggregate> => {
    const fresh = await catchUp(aggregate, seen);
    keep(fresh);
    return fresh;
  };

  const readBeginning = async (aggregate: CachedAggregate): Promise<void> => {
    let first: StreamBeginning | null = null;
    for await (const event of store.read(aggregate.stream, { limit: 1 })) {
      first = beginningAt(aggregate, event);
    }
    begin(aggregate, first);
  };

  /** Somebody may have deleted or cut off the stream, or put it in order again. */
  const revalidate = async (aggregate: CachedAggregate): Promise<CachedAggregate> => {
    await readBeginning(aggregate);
    return isDecidable(aggregate) ? aggregate : computeAgain(aggregate);
  };

  const computeAgain = async (aggregate: CachedAggregate): Promise<CachedAggregate> => {
    if (!isWholeFrom(aggregate.beginning)) return aggregate;
    const isSameBeginning = aggregate.from === (aggregate.beginning?.revision ?? null);
    return refresh(isSameBeginning ? aggregate : blank(aggregate.animeId));
  };

  const fromStore = async (animeId: AnimeId): Promise<CachedAggregate> => {
    let count = 0;
    const start = await catchUp(blank(animeId), () => void (count += 1), firstRead);
    if (count < firstRead) {
      keep(start);
      return start;
    }
    const base = await snapshots.load(animeId);
    if (base === undefined) return refresh(start);
    begin(base, start.beginning);
    const aggregate = await refresh(base);
    return aggregate === base && !isDecidable(base) ? computeAgain(base) : aggregate;
  };

  return {
    cached: (animeId) => {
      const aggregate = cache.get(animeId);
      if (aggregate === undefined || !isDecidable(aggregate)) return undefined;
      return performance.now() - aggregate.beginningAt < beginningForMs ? aggregate : undefined;
    },
    load: async (animeId) => {
      const known = cache.get(animeId);
      const aggregate = known === undefined ? await fromStore(animeId) : await revalidate(known);
      if (isDecidable(aggregate)) return aggregate;
      throw await refusalOf(store, aggregate);
    },
    presumedNew: (animeId) =>
      unlisted < PRESUMED_AFTER || cache.has(animeId) ? undefined : blank(animeId),
    isCurrent: async ({ stream, revision, readAt }, since) =>
      readAt >= since || (await store.head(stream)) === revision,
    refresh,
    keep,
    forget: (animeId) => void cache.delete(animeId),
  };
};
