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

/** Messages of one subscription, at a bounded rate. */
export interface Paced<T> extends AsyncIterableIterator<T> {
  /** There may be something to send. */
  wake(): void;
  /** Sends this as the last message, and ends. */
  finish(last: T): void;
  return(): Promise<IteratorResult<T>>;
}

export interface PacedOptions<T> {
  /** What to send now; undefined if there is nothing. */
  readonly take: () => T | undefined;
  /** The shortest time between two messages, in milliseconds. */
  readonly everyMs: number;
  /** Called once, when the subscription has ended for whatever reason. */
  readonly onClosed: () => void;
  readonly monotonic?: () => number;
}

/**
 * The consumer pulls: what happens between two messages is for `take` to merge, and nothing is queued
 * here. The first message waits for nothing.
 */
export const createPaced = <T>(options: PacedOptions<T>): Paced<T> => {
  const { take, everyMs, onClosed, monotonic = () => performance.now() } = options;
  const over = new AbortController();
  let last: { readonly value: T } | undefined;
  let closed = false;
  let woken = false;
  let nextAt = -Infinity;
  let proceed = (): void => undefined;

  const close = (): void => {
    if (closed) return;
    closed = true;
    over.abort();
    proceed();
    onClosed();
  };

  const woke = (): Promise<void> => new Promise((resolve) => (proceed = resolve));

  const next = async (): Promise<IteratorResult<T>> => {
    while (!closed) {
      if (last !== undefined) {
        const { value } = last;
        close();
        return { done: false, value };
      }
      const waitMs = nextAt - monotonic();
      if (!woken) {
        await woke();
      } else if (waitMs > 0) {
        await pause(waitMs, over.signal);
      } else {
        woken = false;
        const value = take();
        if (value === undefined) continue;
        nextAt = monotonic() + everyMs;
        return { done: false, value };
      }
    }
    return { done: true, value: undefined };
  };

  return {
    next,
    return: () => {
      close();
      return Promise.resolve({ done: true, value: undefined });
    },
    wake: () => {
      woken = true;
      proceed();
    },
    finish: (value) => {
      last ??= { value };
      over.abort();
      proceed();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};
