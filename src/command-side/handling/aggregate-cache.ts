import { LRUCache } from 'lru-cache';
import type { AnimeId } from '../../domain/ids.js';
import { abortedAfter } from '../../platform/async/abort.js';
import { UnavailableError } from '../../ports/errors.js';
import type { EventStore, ReadOptions, RecordedEvent } from '../../ports/event-store.js';
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

/** Bounds the memory of all remembered commands to about 40 MB. */
const MAX_CACHED_KEYS = 100_000;

export interface AggregateCache {
  /** The cached aggregate, if it was decidable a moment ago; it may be behind the stream. */
  cached(animeId: AnimeId): CachedAggregate | undefined;
  /**
   * The cached aggregate, revalidated; else one from the newest snapshot and the events after it.
   * Rejects with RefusedStreamError if the stream cannot be decided on.
   */
  load(animeId: AnimeId): Promise<CachedAggregate>;
  /**
   * An empty aggregate without reading, if none of the last anime had a stream, as in an import: an
   * append that expects no stream shows at once whether that is true; if not, refresh it.
   */
  presumedNew(animeId: AnimeId): CachedAggregate | undefined;
  /** Whether the stream is unchanged since a time, by any process. */
  isCurrent(aggregate: CachedAggregate, since: number): Promise<boolean>;
  /** Reads the events that were appended since, and reports each of them. */
  refresh(
    aggregate: CachedAggregate,
    seen?: (event: RecordedEvent) => void,
  ): Promise<CachedAggregate>;
  keep(aggregate: CachedAggregate): void;
  forget(animeId: AnimeId): void;
}

/** Most streams are shorter and load in one read. */
const FIRST_READ = 64;

/** After so many anime without a stream in a row, the next one is presumed new. */
const PRESUMED_AFTER = 16;

/** An LRU cache of aggregates, bounded whatever the number of anime and the length of streams. */
export const createAggregateCache = (options: {
  readonly store: EventStore;
  readonly snapshots: Snapshots;
  readonly cachedAnimes: number;
  readonly rememberedKeys: number;
  /** Time limit for reading one stream. */
  readonly loadTimeoutMs: number;
  /** How long the first revision of a stream is cached. */
  readonly beginningForMs: number;
  /** A shorter stream has no snapshot. */
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

  /** Number of anime in a row that had no stream. */
  let unlisted = 0;

  const blank = (animeId: AnimeId): CachedAggregate => emptyAggregate(animeId, rememberedKeys);

  const catchUp = (
    aggregate: CachedAggregate,
    seen: (event: RecordedEvent) => void,
    limits: Pick<ReadOptions, 'limit'> = {},
  ): Promise<CachedAggregate> =>
    abortedAfter(loadTimeoutMs, (signal) => readOn(aggregate, seen, { ...limits, signal }));

  const readOn = async (
    aggregate: CachedAggregate,
    seen: (event: RecordedEvent) => void,
    part: Pick<ReadOptions, 'limit'> & { readonly signal: AbortSignal },
  ): Promise<CachedAggregate> => {
    const { stream, revision, animeId } = aggregate;
    const readAt = performance.now();
    if (revision === 'no_stream') begin(aggregate, null);
    // Reads the last known event again: if its id differs, the stream was deleted and rewritten.
    let anchored = revision === 'no_stream';
    const from = revision === 'no_stream' ? {} : { from: revision };
    for await (const event of store.read(stream, { ...from, ...part })) {
      if (anchored) {
        if (aggregate.revision === 'no_stream') begin(aggregate, beginningAt(aggregate, event));
        // A truncated stream cannot be decided on, and the rest may be long.
        if (!isWholeFrom(aggregate.beginning)) break;
        applyRecorded(aggregate, event);
        seen(event);
      } else if (event.revision === revision && event.id === aggregate.lastEventId) {
        anchored = true;
      } else {
        break;
      }
    }
    if (part.signal.aborted) throw new UnavailableError(`Reading ${stream} took too long.`);
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

  /** The stream may have been deleted, truncated or repaired meanwhile. */
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
    const start = await catchUp(blank(animeId), () => void (count += 1), {
      limit: firstRead,
    });
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
