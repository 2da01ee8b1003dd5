import type { AnimeId } from '../../domain/ids.js';
import type { Backoff } from '../../platform/async/retry.js';
import type { AnimeDocument, ReadQueries, ReadStore } from '../../ports/read-store.js';
import { staleRead } from '../graphql/errors.js';

/** One version of the read models. */
export interface ReadModels {
  readonly version: string;
  readonly queries: ReadQueries;
}

export interface RevisionWaiterOptions {
  readonly readStore: Pick<ReadStore, 'onSaved'>;
  /** How long a caller waits before STALE_READ, in milliseconds. */
  readonly waitMs?: number;
  /** Intervals of polling, for documents that another process saves. */
  readonly poll?: Backoff;
  /** Above this number of waiters a call reads once instead of waiting, to bound memory. */
  readonly maxWaiters?: number;
}

/** Read your writes: returns an anime's document once it has reached a revision. */
export interface RevisionWaiter {
  /** Rejects with STALE_READ after the wait, and with the error of a failed read. */
  read(readModels: ReadModels, animeId: AnimeId, minRevision: number): Promise<AnimeDocument>;
}

interface AnimeWaiters extends SingleFlight {
  readonly animeId: AnimeId;
  readonly waiters: Set<RevisionRequest>;
  readonly polling: Polling;
}

export const createRevisionWaiter = ({
  readStore,
  waitMs = 2000,
  poll = { baseMs: 10, maxMs: 100 },
  maxWaiters = 1000,
}: RevisionWaiterOptions): RevisionWaiter => {
  const queues = new Map<string, AnimeWaiters>();
  let waiting = 0;
  let rest: (() => void) | undefined;

  /** Subscribed only while there are waiters: idle costs nothing, and there is nothing to close. */
  const listen = () =>
    readStore.onSaved((documents) => {
      const saved = new Set(documents.map(({ animeId }) => animeId));
      for (const queue of queues.values()) if (saved.has(queue.animeId)) queue.lookAgain();
    });

  const open = (key: string, queries: ReadQueries, animeId: AnimeId): AnimeWaiters => {
    const waiters = new Set<RevisionRequest>();
    const lookUp = createSingleFlight(waiters, () => queries.anime(animeId));
    const polling = createPolling(() => lookUp.lookAgain(), poll);
    const queue = { ...lookUp, animeId, waiters, polling };
    queues.set(key, queue);
    return queue;
  };

  const wait = (queue: AnimeWaiters, minRevision: number, leave: () => void) =>
    new Promise<AnimeDocument>((resolve, reject) => {
      const settle = () => {
        clearTimeout(late);
        queue.waiters.delete(waiter);
        leave();
      };
      const waiter: RevisionRequest = {
        minRevision,
        resolve: (document) => {
          settle();
          resolve(document);
        },
        reject: (error) => {
          settle();
          reject(error instanceof Error ? error : new Error('A look-up failed.', { cause: error }));
        },
      };
      const late = setTimeout(() => waiter.reject(staleRead(queue.animeId, minRevision)), waitMs);
      queue.polling.begin();
      queue.join(waiter);
    });

  const lookOnce = async (queries: ReadQueries, animeId: AnimeId, minRevision: number) => {
    const document = await queries.anime(animeId);
    if (document !== null && document.revision >= minRevision) return document;
    throw staleRead(animeId, minRevision);
  };

  return {
    read: ({ version, queries }, animeId, minRevision) => {
      if (waiting >= maxWaiters) return lookOnce(queries, animeId, minRevision);
      const key = `${animeId}@${version}`;
      rest ??= listen();
      const queue = queues.get(key) ?? open(key, queries, animeId);
      waiting += 1;
      return wait(queue, minRevision, () => {
        waiting -= 1;
        if (queue.waiters.size === 0) {
          queue.polling.end();
          queues.delete(key);
        }
        if (waiting > 0) return;
        rest?.();
        rest = undefined;
      });
    },
  };
};

interface Polling {
  /** A new waiter joined: restart at the shortest interval. */
  begin(): void;
  end(): void;
}

/** Polling with exponential backoff until it is stopped. */
const createPolling = (call: () => void, { baseMs, maxMs }: Backoff): Polling => {
  let timer: NodeJS.Timeout | undefined;

  const callAfter = (ms: number): void => {
    timer = setTimeout(() => {
      callAfter(Math.min(2 * ms, maxMs));
      call();
    }, ms);
  };

  const end = (): void => clearTimeout(timer);
  return {
    begin: () => {
      end();
      callAfter(baseMs);
    },
    end,
  };
};

interface RevisionRequest {
  readonly minRevision: number;
  readonly resolve: (document: AnimeDocument) => void;
  readonly reject: (error: unknown) => void;
}

/** All waiters of one document share one read at a time (single flight). */
interface SingleFlight {
  join(waiter: RevisionRequest): void;
  /** Reads now, or again after the read under way, which may have been too early. */
  lookAgain(): void;
}

/**
 * A waiter that joins during a read gets its result: a save that the read missed calls `lookAgain`.
 * `resolve` and `reject` must remove their waiter from the set.
 */
const createSingleFlight = (
  waiters: Set<RevisionRequest>,
  read: () => Promise<AnimeDocument | null>,
): SingleFlight => {
  let looking = false;
  let asked = 0;

  const serve = (document: AnimeDocument | null) => {
    for (const waiter of waiters) {
      if (document !== null && document.revision >= waiter.minRevision) waiter.resolve(document);
    }
  };

  const look = async () => {
    looking = true;
    try {
      let seen: number;
      do {
        seen = asked;
        serve(await read());
      } while (asked !== seen && waiters.size > 0);
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error);
    } finally {
      looking = false;
    }
  };

  return {
    join: (waiter) => {
      waiters.add(waiter);
      if (!looking) void look();
    },
    lookAgain: () => {
      asked += 1;
      if (!looking) void look();
    },
  };
};
