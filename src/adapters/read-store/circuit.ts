import { type CircuitTimes, createCircuit } from '../../platform/async/circuit.js';
import { PortError, UnavailableError } from '../../ports/errors.js';
import type { ReadQueries, ReadStore } from '../../ports/read-store.js';

/**
 * The store, whose queries are refused at once while it is known to be away, those under way included:
 * none of them waits for the time-out of a call. Known by a ping, which is sent after a query that
 * failed or has no answer yet, and by the health check's. Any answer shows that the store is back.
 */
export const withCircuit = (store: ReadStore, times: CircuitTimes = {}): ReadStore => {
  /** How to refuse the queries under way. */
  const refusals = new Set<() => void>();
  const circuit = createCircuit({
    ...times,
    ping: () => store.ping(),
    isAway,
    onOpen: () => refusals.forEach((refuse) => refuse()),
  });

  /** The outcome, from which the circuit learns. */
  const noted = async <T>(question: () => Promise<T>): Promise<T> => {
    try {
      const answer = await circuit.timed(question);
      circuit.answered();
      return answer;
    } catch (error) {
      if (isAway(error)) circuit.suspect();
      throw error;
    }
  };

  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    if (circuit.isOpen()) throw away();
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
      circuit.close();
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
