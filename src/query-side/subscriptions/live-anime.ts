import type { AnimeId } from '../../domain/ids.js';
import { pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { AnimeDocument, ReadStore } from '../../ports/read-store.js';
import type { ReadModels } from '../read-your-writes/revision-waiter.js';

/** Documents as they change, read once for all subscriptions of this process. */
export interface LiveAnime {
  /** Calls `tell` with the document now, and after it may have changed. Returns how to stop. */
  watch(id: AnimeId, tell: (document: AnimeDocument | null) => void): () => void;
  /** The same with the most viewed anime. */
  watchTop(limit: number, tell: (documents: readonly AnimeDocument[]) => void): () => void;
}

export interface LiveAnimeOptions {
  readonly readStore: Pick<ReadStore, 'documents' | 'onChanged'>;
  readonly activeReadModels: () => Promise<ReadModels | null>;
  readonly logger: Logger;
  /** The shortest time between two readings, in milliseconds. */
  readonly everyMs: number;
  /** Everything is read again so often: another version may have been promoted. */
  readonly anywayEveryMs?: number;
}

interface TopWatch {
  readonly limit: number;
  readonly tell: (documents: readonly AnimeDocument[]) => void;
}

/**
 * Whatever the number of subscriptions, a reading is at most two queries: the watched documents by
 * id, and the longest of the watched lists. Nothing is read while nobody watches.
 */
export const createLiveAnime = (options: LiveAnimeOptions): LiveAnime => {
  const { readStore, activeReadModels, logger, everyMs, anywayEveryMs = 5_000 } = options;
  const watched = new Map<AnimeId, Set<(document: AnimeDocument | null) => void>>();
  const tops = new Set<TopWatch>();
  const changed = new Set<AnimeId>();
  let topChanged = false;
  let reading = false;
  let stopListening: (() => void) | undefined;
  let anyway: NodeJS.Timeout | undefined;

  const isWatched = (): boolean => watched.size + tops.size > 0;

  const read = async (ids: readonly AnimeId[], isTopWanted: boolean): Promise<void> => {
    const active = await activeReadModels();
    if (active === null) return;
    if (ids.length > 0) {
      const found = await readStore.documents(active.version).animes(ids);
      const byId = new Map(found.map((document) => [document.animeId, document]));
      for (const id of ids) {
        for (const tell of watched.get(id) ?? []) tell(byId.get(id) ?? null);
      }
    }
    if (isTopWanted && tops.size > 0) {
      const most = Math.max(...[...tops].map(({ limit }) => limit));
      const documents = await active.queries.topByViews(most);
      for (const { limit, tell } of tops) tell(documents.slice(0, limit));
    }
  };

  const keepReading = async (): Promise<void> => {
    reading = true;
    while (isWatched() && (changed.size > 0 || topChanged)) {
      const ids = [...changed].filter((id) => watched.has(id));
      const isTopWanted = topChanged;
      changed.clear();
      topChanged = false;
      try {
        await read(ids, isTopWanted);
      } catch (error) {
        // Read again with the next change, or anyway.
        logger.debug('Documents for subscriptions could not be read', { error });
      }
      await pause(everyMs);
    }
    reading = false;
  };

  /** Null: any of them. */
  const note = (ids: readonly AnimeId[] | null): void => {
    for (const id of ids ?? watched.keys()) if (watched.has(id)) changed.add(id);
    topChanged ||= tops.size > 0;
    if (!reading) void keepReading();
  };

  const begin = (): void => {
    stopListening ??= readStore.onChanged(note);
    anyway ??= setInterval(() => note(null), anywayEveryMs).unref();
  };

  const endIfUnwatched = (): void => {
    if (isWatched()) return;
    stopListening?.();
    stopListening = undefined;
    clearInterval(anyway);
    anyway = undefined;
  };

  return {
    watch: (id, tell) => {
      const tellers = watched.get(id) ?? new Set();
      tellers.add(tell);
      watched.set(id, tellers);
      begin();
      note([id]);
      return () => {
        tellers.delete(tell);
        if (tellers.size === 0 && watched.get(id) === tellers) watched.delete(id);
        endIfUnwatched();
      };
    },
    watchTop: (limit, tell) => {
      const watch: TopWatch = { limit, tell };
      tops.add(watch);
      begin();
      note([]);
      return () => {
        tops.delete(watch);
        endIfUnwatched();
      };
    },
  };
};
