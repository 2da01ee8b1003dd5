import type { ReadQueries, Totals } from '../../ports/read-store.js';
import { type QueryContext, requireReadModels } from './context.js';

/** All requests within this time share an answer: adding up every day costs the store the most. */
const TOTALS_SHARED_FOR_MS = 1000;

interface Shared {
  readonly version: string;
  readonly at: number;
  readonly answer: Promise<Totals>;
}

export const createTotalsResolver = (now: () => Date) => {
  let shared: Shared | undefined;

  const isFresh = ({ at }: Shared): boolean => {
    const ageMs = now().getTime() - at;
    // A clock that was set back must not keep an old answer.
    return ageMs >= 0 && ageMs < TOTALS_SHARED_FOR_MS;
  };

  const askFor = (version: string, queries: ReadQueries): Promise<Totals> => {
    const asked: Shared = { version, at: now().getTime(), answer: queries.totals() };
    shared = asked;
    asked.answer.catch(() => {
      if (shared === asked) shared = undefined;
    });
    return asked.answer;
  };

  return {
    totals: async (_: unknown, _args: unknown, context: QueryContext): Promise<Totals> => {
      const { version, queries } = await requireReadModels(context);
      if (shared?.version === version && isFresh(shared)) return shared.answer;
      return askFor(version, queries);
    },
  };
};
