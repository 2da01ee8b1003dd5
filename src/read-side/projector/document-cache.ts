import { LRUCache } from 'lru-cache';
import type { AnimeId, UserId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DayKey,
  DocumentStore,
  Guarded,
  InteractionKey,
} from '../../ports/read-store.js';
import type { StreamEvent } from '../../wire/stream-event.js';
import { utcDayOf } from '../read-models/daily-activity.js';
import { isInteraction } from '../read-models/interaction.js';
import { type CachedAnime, cachedAnimeOf, type FoldedRun } from './fold.js';

export interface DocumentCacheOptions {
  readonly documents: DocumentStore;
  /** The total number of documents of all kinds. */
  readonly maxDocuments: number;
  /**
   * The store is empty, so a document that is not cached does not exist, until something is evicted
   * or dropped.
   */
  readonly startsEmpty: boolean;
}

interface Run {
  readonly cached: CachedAnime;
  readonly run: readonly StreamEvent[];
}

/** A cache of saved documents in front of the store. Calls about one anime must not overlap. */
export interface DocumentCache {
  /** Reads from the store, not the cache. */
  look(ids: readonly AnimeId[]): Promise<readonly CachedAnime[]>;
  /** Drops these anime, whose stored documents may have changed. */
  drop(ids: Iterable<AnimeId>): void;
  /** Caches this state in the place of another. */
  replace(cached: CachedAnime): void;
  /** From the cache, or else from the store. */
  cachedAnime(ids: readonly AnimeId[]): Promise<readonly CachedAnime[]>;
  /**
   * Loads the parts that the runs need into the cache. Returns those that were read from the store
   * and are of the generation of their anime or later.
   */
  load(runs: readonly Run[]): Promise<ReadonlyMap<CachedAnime, readonly Guarded[]>>;
  /** Caches documents that were just saved. `from` is the state that they were computed from. */
  keep(from: CachedAnime, saved: FoldedRun): void;
}

export const createDocumentCache = (options: DocumentCacheOptions): DocumentCache => {
  const { documents, maxDocuments } = options;
  let complete = options.startsEmpty;
  const cachedAnime = new LRUCache<AnimeId, CachedAnime>({
    maxSize: maxDocuments,
    dispose: (_cached, _key, reason) => {
      if (reason === 'evict') complete = false;
    },
  });

  const put = (cached: CachedAnime): CachedAnime => {
    const { users, days } = cached.parts;
    if (1 + users.size + days.size > maxDocuments) {
      users.clear();
      days.clear();
      complete = false;
    }
    cachedAnime.set(cached.animeId, cached, { size: 1 + users.size + days.size });
    return cached;
  };

  const look = async (ids: readonly AnimeId[]): Promise<readonly CachedAnime[]> => {
    const stored = new Map<AnimeId, AnimeDocument>();
    if (!complete) {
      for (const document of await documents.animes(ids)) stored.set(document.animeId, document);
    }
    return ids.map((animeId) => {
      const document = stored.get(animeId) ?? null;
      return cachedAnimeOf(animeId, document?.generation ?? 0, document);
    });
  };

  const drop = (ids: Iterable<AnimeId>): void => {
    complete = false;
    for (const id of ids) cachedAnime.delete(id);
  };

  return {
    look,
    drop,

    replace(cached) {
      complete = false;
      put(cached);
    },

    async cachedAnime(ids) {
      // Kept in a variable, because adding the missing ones may evict them.
      const held = new Map(ids.map((id) => [id, cachedAnime.get(id)]));
      const missing = ids.filter((id) => held.get(id) === undefined);
      const found = new Map<AnimeId, CachedAnime>();
      if (missing.length > 0) {
        for (const cached of await look(missing)) found.set(cached.animeId, cached);
      }
      return ids.map((id) => held.get(id) ?? put(found.get(id) ?? cachedAnimeOf(id, 0, null)));
    },

    async load(runs) {
      const loaded = new Map<CachedAnime, Guarded[]>();
      if (complete) return loaded;
      const requested = new Map(runs.map(({ cached }) => [cached.animeId, cached]));
      const { userKeys, dayKeys } = unknownParts(runs);
      const [users, days] = await Promise.all([
        userKeys.length === 0 ? [] : documents.interactions(userKeys),
        dayKeys.length === 0 ? [] : documents.days(dayKeys),
      ]);
      const take = (
        part: Guarded & { readonly animeId: AnimeId },
        into: (cached: CachedAnime) => void,
      ): void => {
        const cached = requested.get(part.animeId);
        if (cached === undefined || part.generation < cached.generation) return;
        into(cached);
        const read = loaded.get(cached);
        if (read === undefined) loaded.set(cached, [part]);
        else read.push(part);
      };
      for (const user of users) take(user, ({ parts }) => parts.users.set(user.userId, user));
      for (const day of days) take(day, ({ parts }) => parts.days.set(day.day, day));
      return loaded;
    },

    keep(from, { anime, interactions, days }) {
      const { parts } = from;
      for (const document of interactions) parts.users.set(document.userId, document);
      for (const document of days) parts.days.set(document.day, document);
      put({ ...from, document: anime });
    },
  };
};

const unknownParts = (runs: readonly Run[]) => {
  const userKeys: InteractionKey[] = [];
  const dayKeys: DayKey[] = [];
  for (const { cached, run } of runs) {
    const { animeId, parts } = cached;
    const users = new Set<UserId>();
    const days = new Set<string>();
    for (const { decoded } of run) {
      if (decoded.kind !== 'event' || !isInteraction(decoded.event)) continue;
      const { userId } = decoded.event.data;
      const day = utcDayOf(decoded.event);
      if (!parts.users.has(userId)) users.add(userId);
      if (!parts.days.has(day)) days.add(day);
    }
    for (const userId of users) userKeys.push({ animeId, userId });
    for (const day of days) dayKeys.push({ animeId, day });
  }
  return { userKeys, dayKeys };
};
