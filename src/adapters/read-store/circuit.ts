import { settledWithin } from '../../platform/async/abort.js';
import { pause } from '../../platform/async/retry.js';
import { PortError, UnavailableError } from '../../ports/errors.js';
import type { ReadQueries, ReadStore } from '../../ports/read-store.js';

export interface CircuitOptions {
  /** A query without an answer for so long makes the circuit ask whether the store is there. */
  readonly suspectAfterMs?: number;
  /** A ping without an answer for so long means that it is not. As long as that of the health check. */
  readonly pingMs?: number;
  /** The interval of pings while the store is away. */
  readonly retryMs?: number;
}

/**
 * The store, whose queries are refused at once while it is known to be away, those under way included:
 * none of them waits for the time-out of a call. Known by a ping, which is sent after a query that
 * failed or has no answer yet, and by the health check's. Any answer shows that the store is back.
 */
export const withCircuit = (store: ReadStore, options: CircuitOptions = {}): ReadStore => {
  const { suspectAfterMs = 1_000, pingMs = 1_800, retryMs = 500 } = options;
  const closing = new AbortController();
  let isOpen = false;
  /** How to refuse the queries under way. */
  const refusals = new Set<() => void>();
  let answers = 0;
  let checking: Promise<void> | undefined;

  const answered = (): void => {
    answers += 1;
    isOpen = false;
  };

  const ping = async (): Promise<void> => {
    const before = answers;
    try {
      const pinged = store.ping();
      pinged.then(answered, () => undefined);
      if (await settledWithin(pinged, pingMs)) return;
      // Late, so away, unless something else was answered meanwhile.
    } catch (error) {
      if (!isAway(error)) return;
    }
    if (answers !== before || closing.signal.aborted) return;
    isOpen = true;
    refusals.forEach((refuse) => refuse());
  };

  const watch = async (): Promise<void> => {
    await ping();
    while (isOpen) {
      await pause(retryMs, closing.signal);
      // Not awaited: one that got lost must not delay the next.
      if (!closing.signal.aborted) void ping();
    }
  };

  const suspect = (): void => {
    if (closing.signal.aborted) return;
    checking ??= watch().finally(() => (checking = undefined));
  };

  /** The outcome, from which the circuit learns. */
  const noted = async <T>(question: () => Promise<T>): Promise<T> => {
    const timer = setTimeout(suspect, suspectAfterMs);
    try {
      const answer = await question();
      answered();
      return answer;
    } catch (error) {
      if (isAway(error)) suspect();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };

  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    if (isOpen) throw away();
    let refuse = (): void => undefined;
    const refused = new Promise<never>((_, reject) => (refuse = () => reject(away())));
    refusals.add(refuse);
    try {
      return await Promise.race([noted(question), refused]);
    } finally {
      refusals.delete(refuse);
    }
  };

  return {
    ...store,
    active: () => ask(() => store.active()),
    queries: (version) => guarded(store.queries(version), ask),
    ping: () => noted(() => store.ping()),
    close: async () => {
      closing.abort();
      isOpen = false;
      await store.close();
    },
  };
};

const isAway = (error: unknown): boolean =>
  error instanceof PortError && error.code === 'UNAVAILABLE';

const away = (): UnavailableError =>
  new UnavailableError('The read store does not answer: queries are refused until it does.');

type GuardedAsk = <T>(question: () => Promise<T>) => Promise<T>;

const guarded = (queries: ReadQueries, ask: GuardedAsk): ReadQueries => ({
  anime: (id) => ask(() => queries.anime(id)),
  topByViews: (limit) => ask(() => queries.topByViews(limit)),
  topByRating: (limit, minRatings) => ask(() => queries.topByRating(limit, minRatings)),
  search: (query) => ask(() => queries.search(query)),
  trending: (sinceDay, limit) => ask(() => queries.trending(sinceDay, limit)),
  recommended: (basedOn, limit) => ask(() => queries.recommended(basedOn, limit)),
  genres: () => ask(() => queries.genres()),
  interactionsOf: (userId, first, after) => ask(() => queries.interactionsOf(userId, first, after)),
  activityOf: (animeId, range) => ask(() => queries.activityOf(animeId, range)),
  activity: (range) => ask(() => queries.activity(range)),
  totals: () => ask(() => queries.totals()),
});
