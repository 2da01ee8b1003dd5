import { LRUCache } from 'lru-cache';
import type { AnimeId } from '../../domain/ids.js';
import { abortedAfter } from '../../platform/async/abort.js';
import { UnavailableError } from '../../ports/errors.js';
import type { EventStore, RecordedEvent } from '../../ports/event-store.js';
import {
  begin,
  beginningAt,
  blankMemory,
  isDecidable,
  isWhole,
  remember,
  type AnimeMemory,
  type Beginning,
} from './cached-aggregate.js';
import { refusalOf } from './refused-streams.js';
import type { Snapshots } from './snapshots.js';

/** What all remembered commands together may take: some 40 MB. */
const MAX_REMEMBERED = 100_000;

export interface Memories {
  /** What is in memory, at once, if it could be decided on a moment ago; it may be behind the stream. */
  cached(animeId: AnimeId): AnimeMemory | undefined;
  /**
   * What is in memory, revalidated, or else from the newest snapshot and the events after it.
   * Rejects with RefusedStreamError where the stream cannot be decided on.
   */
  load(animeId: AnimeId): Promise<AnimeMemory>;
  /**
   * Nothing, unread, where the last animes all had no stream, as in an import: an append that expects
   * none finds out at once whether that holds for this one too, and else it is to be refreshed.
   */
  presumedNew(animeId: AnimeId): AnimeMemory | undefined;
  /** Whether nothing was appended since a moment, by whomever. */
  isCurrent(memory: AnimeMemory, since: number): Promise<boolean>;
  /** Reads what was appended since, and shows each of these events. */
  refresh(memory: AnimeMemory, seen?: (event: RecordedEvent) => void): Promise<AnimeMemory>;
  keep(memory: AnimeMemory): void;
  forget(animeId: AnimeId): void;
}

/** Most streams are not longer: they are loaded by one read. */
const FIRST_READ = 64;

/** So many animes without a stream, one after the other, let the next be presumed new. */
const PRESUMED_AFTER = 16;

/** Bounded memory of animes: whatever the number of animes and the length of their streams. */
export const createMemories = (options: {
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
}): Memories => {
  const { store, snapshots, cachedAnimes, rememberedKeys } = options;
  const { loadTimeoutMs, beginningForMs } = options;
  const firstRead = Math.min(FIRST_READ, options.snapshotEvery);
  const cache = new LRUCache<AnimeId, AnimeMemory>({
    max: cachedAnimes,
    maxSize: cachedAnimes + MAX_REMEMBERED,
    dispose: (memory) => void (memory.cachedSize = 0),
  });

  /** How many animes in a row had no stream. */
  let unlisted = 0;

  const blank = (animeId: AnimeId): AnimeMemory => blankMemory(animeId, rememberedKeys);

  const catchUp = (
    memory: AnimeMemory,
    seen: (event: RecordedEvent) => void,
    limit?: number,
  ): Promise<AnimeMemory> =>
    abortedAfter(loadTimeoutMs, (signal) => readOn(memory, { seen, limit, signal }));

  const readOn = async (
    memory: AnimeMemory,
    {
      seen,
      limit,
      signal,
    }: {
      readonly seen: (event: RecordedEvent) => void;
      readonly limit: number | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<AnimeMemory> => {
    const { stream, revision, animeId } = memory;
    const readAt = performance.now();
    if (revision === 'no_stream') begin(memory, null);
    // The last known event is read again: where it is not the same, this is another history.
    let anchored = revision === 'no_stream';
    const part = {
      ...(revision === 'no_stream' ? {} : { from: revision }),
      ...(limit === undefined ? {} : { limit }),
    };
    for await (const event of store.read(stream, { ...part, signal })) {
      if (anchored) {
        if (memory.revision === 'no_stream') begin(memory, beginningAt(memory, event));
        // Of no use without what is missing, and it may be long.
        if (!isWhole(memory.beginning)) break;
        remember(memory, event);
        seen(event);
      } else if (event.revision === revision && event.id === memory.lastEventId) {
        anchored = true;
      } else {
        break;
      }
    }
    if (signal.aborted) throw new UnavailableError(`Reading ${stream} took too long.`);
    if (!anchored) return catchUp(blank(animeId), seen);
    if (revision === 'no_stream') unlisted = memory.revision === 'no_stream' ? unlisted + 1 : 0;
    memory.readAt = readAt;
    return memory;
  };

  const keep = (memory: AnimeMemory): void => {
    const size = 1 + memory.recent.size + memory.unreadable.size;
    if (memory.cachedSize === size) return;
    cache.set(memory.animeId, memory, { size });
    memory.cachedSize = size;
  };

  const refresh = async (
    memory: AnimeMemory,
    seen: (event: RecordedEvent) => void = () => undefined,
  ): Promise<AnimeMemory> => {
    const fresh = await catchUp(memory, seen);
    keep(fresh);
    return fresh;
  };

  const readBeginning = async (memory: AnimeMemory): Promise<void> => {
    let first: Beginning | null = null;
    for await (const event of store.read(memory.stream, { limit: 1 })) {
      first = beginningAt(memory, event);
    }
    begin(memory, first);
  };

  /** Somebody may have deleted or cut off the stream, or put it in order again. */
  const revalidate = async (memory: AnimeMemory): Promise<AnimeMemory> => {
    await readBeginning(memory);
    return isDecidable(memory) ? memory : computeAgain(memory);
  };

  const computeAgain = async (memory: AnimeMemory): Promise<AnimeMemory> => {
    if (!isWhole(memory.beginning)) return memory;
    const isSameBeginning = memory.from === (memory.beginning?.revision ?? null);
    return refresh(isSameBeginning ? memory : blank(memory.animeId));
  };

  const fromStore = async (animeId: AnimeId): Promise<AnimeMemory> => {
    let count = 0;
    const start = await catchUp(blank(animeId), () => void (count += 1), firstRead);
    if (count < firstRead) {
      keep(start);
      return start;
    }
    const base = await snapshots.load(animeId);
    if (base === undefined) return refresh(start);
    begin(base, start.beginning);
    const memory = await refresh(base);
    return memory === base && !isDecidable(base) ? computeAgain(base) : memory;
  };

  return {
    cached: (animeId) => {
      const memory = cache.get(animeId);
      if (memory === undefined || !isDecidable(memory)) return undefined;
      return performance.now() - memory.beginningAt < beginningForMs ? memory : undefined;
    },
    load: async (animeId) => {
      const known = cache.get(animeId);
      const memory = known === undefined ? await fromStore(animeId) : await revalidate(known);
      if (isDecidable(memory)) return memory;
      throw await refusalOf(store, memory);
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
