import { type CircuitTimes, createCircuit } from '../../platform/async/circuit.js';
import { PortError, UnavailableError } from '../../ports/errors.js';
import type { ReadQueries, ReadStore } from '../../ports/read-store.js';

/**
 * A circuit breaker around the store: while the store is known to be down, queries are rejected at once,
 * including those in flight, instead of each waiting for its time-out. A ping decides: the health
 * check's, or one sent after a query failed or took too long. Any answer closes the circuit again.
 */
export const withCircuit = (store: ReadStore, times: CircuitTimes = {}): ReadStore => {
  /** Rejects each query in flight. */
  const refusals = new Set<() => void>();
  const circuit = createCircuit({
    ...times,
    ping: () => store.ping(),
    isAway,
    onOpen: () => refusals.forEach((refuse) => refuse()),
  });

  /** Runs a query and updates the circuit with its outcome. */
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
