import { DAY_MS } from '../../domain/rules.js';
import type { ActivityOfDay, DayRange, ReadQueries, Totals } from '../../ports/read-store.js';
import type { RevisionWaiter } from '../read-your-writes/revision-waiter.js';
import {
  type NamedAnime,
  createFindAnime,
  type QueryContext,
  requireReadModels,
} from './context.js';
import { badUserInput } from './errors.js';

export const MAX_ACTIVITY_DAYS = 400;
const DEFAULT_DAYS = 30;

interface Days {
  readonly from?: string | null;
  readonly to?: string | null;
}

export const createActivityResolvers = (options: {
  readonly waiter: RevisionWaiter;
  readonly now: () => Date;
}) => {
  const { waiter, now } = options;
  const findAnime = createFindAnime(waiter);

  return {
    activity: async (_: unknown, args: Days, context: QueryContext) => {
      const range = dayRangeOf(args, now());
      const { queries } = await requireReadModels(context);
      return withGaps(range, await queries.activity(range));
    },

    animeActivity: async (_: unknown, args: Days & NamedAnime, context: QueryContext) => {
      const range = dayRangeOf(args, now());
      const anime = await findAnime(args, context);
      if (anime === null) return null;
      const { queries } = await requireReadModels(context);
      return withGaps(range, await queries.activityOf(anime.animeId, range));
    },
  };
};

/** By default the 30 days that end with `to`, which is today by default. */
const dayRangeOf = (given: Days, now: Date): DayRange => {
  const today = now.getTime() - (now.getTime() % DAY_MS);
  const to = millisecondsOf('to', given.to) ?? today;
  const from = millisecondsOf('from', given.from) ?? to - (DEFAULT_DAYS - 1) * DAY_MS;
  if (from > to) {
    throw badUserInput('from', `from (${dayOf(from)}) must not be after to (${dayOf(to)}).`);
  }
  if ((to - from) / DAY_MS >= MAX_ACTIVITY_DAYS) {
    throw badUserInput('from', `from and to may span at most ${MAX_ACTIVITY_DAYS} days.`);
  }
  return { from: dayOf(from), to: dayOf(to) };
};

const DAY_PATTERN = /^\d{4}-\d{2}-\d{2}$/;

/** The start of a day of the calendar; undefined where none is given. */
const millisecondsOf = (
  name: 'from' | 'to',
  given: string | null | undefined,
): number | undefined => {
  if (given === null || given === undefined) return undefined;
  const start = DAY_PATTERN.test(given) ? Date.parse(`${given}T00:00:00Z`) : NaN;
  // Some engines take the 30th of February for the 2nd of March.
  if (!Number.isNaN(start) && dayOf(start) === given && start >= 0) return start;
  throw badUserInput(name, `${name} must be a UTC day as YYYY-MM-DD, from 1970-01-01 on.`);
};

const dayOf = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10);

const withGaps = ({ from, to }: DayRange, found: readonly ActivityOfDay[]): ActivityOfDay[] => {
  const known = new Map(found.map((one) => [one.day, one]));
  const last = Date.parse(to);
  const points: ActivityOfDay[] = [];
  for (let start = Date.parse(from); start <= last; start += DAY_MS) {
    const day = dayOf(start);
    points.push(known.get(day) ?? { day, clicks: 0, views: 0, ratings: 0, seconds: 0 });
  }
  return points;
};

/** All requests within this time share an answer: adding up every day costs the store the most. */
const TOTALS_SHARED_FOR_MS = 1000;

interface SharedTotals {
  readonly version: string;
  readonly at: number;
  readonly answer: Promise<Totals>;
}

export const createTotalsResolver = (now: () => Date) => {
  let shared: SharedTotals | undefined;

  const isFresh = ({ at }: SharedTotals): boolean => {
    const ageMs = now().getTime() - at;
    // A clock that was set back must not keep an old answer.
    return ageMs >= 0 && ageMs < TOTALS_SHARED_FOR_MS;
  };

  const askFor = (version: string, queries: ReadQueries): Promise<Totals> => {
    const asked: SharedTotals = { version, at: now().getTime(), answer: queries.totals() };
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

/** What a day and the totals both count. */
const countFields = `
  "The number of clicks."
  clicks: Count!
  "The number of views."
  views: Count!
  "The duration of the views, in seconds."
  seconds: Count!
  "The number of ratings given, repeated ratings of a user included."
  ratings: Count!
`;

/** Activity per day and all-time totals: their queries and types. */
export const activityTypes = /* GraphQL */ `
  extend type Query {
    "What happened to one anime on each UTC day of a range, oldest first; days without activity have zeros. Null when the anime is unknown."
    animeActivity(
      "The anime's id in the MyAnimeList catalogue."
      animeId: Int!
      "The first day, as YYYY-MM-DD, from 1970-01-01 on. By default 29 days before the last one; at most ${MAX_ACTIVITY_DAYS} days in all."
      from: String
      "The last day, as YYYY-MM-DD. By default today."
      to: String
      "Wait until the response includes this revision: the decimal string that a command returned."
      minRevision: String
    ): [ActivityPoint!]
    "What happened to all anime, delisted ones included, on each UTC day of a range, oldest first; days without activity have zeros."
    activity(
      "The first day, as YYYY-MM-DD, from 1970-01-01 on. By default 29 days before the last one; at most ${MAX_ACTIVITY_DAYS} days in all."
      from: String
      "The last day, as YYYY-MM-DD. By default today."
      to: String
    ): [ActivityPoint!]!
    "What happened to all anime, delisted ones included, since the first event, and how many are listed. At most a second old."
    totals: Totals!
  }

  "All that happened to all anime, delisted ones included."
  type Totals {
    "The number of listed anime."
    listed: Count!
    ${countFields}
  }

  "What happened on one UTC day."
  type ActivityPoint {
    "The UTC day, as YYYY-MM-DD."
    day: String!
    ${countFields}
  }
`;
