import { LRUCache } from 'lru-cache';
import type { AnimeId } from '../domain/ids.js';
import { UnavailableError } from '../ports/errors.js';
import type { EventStore, RecordedEvent } from '../ports/event-store.js';
import { blankMemory, remember, type AnimeMemory } from './anime-memory.js';
import type { Snapshots } from './snapshots.js';

/** What all remembered commands together may take: some 40 MB. */
const MAX_REMEMBERED = 100_000;

export interface Memories {
  /** What is in memory, at once; it may be behind the stream. */
  cached(animeId: AnimeId): AnimeMemory | undefined;
  /** From the newest snapshot and the events after it. */
  load(animeId: AnimeId): Promise<AnimeMemory>;
  /** Whether nothing was appended since, by whomever. */
  isCurrent(memory: AnimeMemory): Promise<boolean>;
  /** Reads what was appended since, and shows each of these events. */
  refresh(memory: AnimeMemory, seen?: (event: RecordedEvent) => void): Promise<AnimeMemory>;
  keep(memory: AnimeMemory): void;
  forget(animeId: AnimeId): void;
}

/** Bounded memory of animes: whatever the number of animes and the length of their streams. */
export const createMemories = (options: {
  readonly store: EventStore;
  readonly snapshots: Snapshots;
  readonly cachedAnimes: number;
  readonly rememberedKeys: number;
  /** How long reading one stream may take. */
  readonly loadTimeoutMs: number;
}): Memories => {
  const { store, snapshots, cachedAnimes, rememberedKeys, loadTimeoutMs } = options;
  const cache = new LRUCache<AnimeId, AnimeMemory>({
    max: cachedAnimes,
    maxSize: cachedAnimes + MAX_REMEMBERED,
    dispose: (memory) => void (memory.cachedSize = 0),
  });

  const catchUp = async (
    memory: AnimeMemory,
    seen: (event: RecordedEvent) => void,
  ): Promise<AnimeMemory> => {
    const { stream, revision, animeId } = memory;
    const signal = AbortSignal.timeout(loadTimeoutMs);
    // The last known event is read again: where it is not the same, this is another history.
    let anchored = revision === 'no_stream';
    const from = revision === 'no_stream' ? {} : { from: revision };
    for await (const event of store.read(stream, { ...from, signal })) {
      if (anchored) {
        remember(memory, event);
        seen(event);
      } else if (event.revision === revision && event.id === memory.lastEventId) {
        anchored = true;
      } else {
        break;
      }
    }
    if (signal.aborted) throw new UnavailableError(`Reading ${stream} took too long.`);
    return anchored ? memory : catchUp(blankMemory(animeId, rememberedKeys), seen);
  };

  const keep = (memory: AnimeMemory): void => {
    const size = 1 + memory.recent.size;
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

  return {
    cached: (animeId) => cache.get(animeId),
    load: async (animeId) => {
      const base = await snapshots.load(animeId);
      return refresh(base ?? blankMemory(animeId, rememberedKeys));
    },
    isCurrent: async ({ stream, revision }) => (await store.head(stream)) === revision,
    refresh,
    keep,
    forget: (animeId) => void cache.delete(animeId),
  };
};
