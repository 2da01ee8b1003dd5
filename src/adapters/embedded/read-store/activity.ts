import { setImmediate as nextTurn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { AnimeId } from '../../../domain/ids.js';
import { nulFree, withNul } from '../../../embedded-eventstore/sqlite.js';
import type { ActivityOfDay, DayKey, DayRange } from '../../../ports/read-store.js';
import type { ReadConnection } from './file.js';

const OF_ANIME = `
  SELECT day, clicks, views, ratings, seconds FROM days
  WHERE anime_id = ? AND day >= ? AND day <= ? AND total > 0 ORDER BY day`;

const FIRST_DAY = 'SELECT min(day) FROM days WHERE day >= ? AND day <= ?';
const NEXT_DAY = 'SELECT min(day) FROM days WHERE day > ? AND day <= ?';

/** Served by the index alone. */
const TOTALS_OF_DAY = `
  SELECT sum(clicks), sum(views), sum(ratings), sum(seconds) FROM days WHERE day = ?`;

const MAX_CACHED_DAYS = 4000;

type Sums = [clicks: number, views: number, ratings: number, seconds: number];

/** Activity per day. The totals of a day are cached until one of its documents is saved. */
export const activityOn = (db: ReadConnection) => {
  const cached = new LRUCache<string, ActivityOfDay>({ max: MAX_CACHED_DAYS });

  return {
    of: (animeId: AnimeId, { from, to }: DayRange): ActivityOfDay[] =>
      db.all(OF_ANIME, animeId, nulFree(from), nulFree(to)).map((row) => {
        const [day, ...sums] = row as [string, ...Sums];
        return activityOfDay(day, sums);
      }),

    /** The first day in the range with a document, or the next one after another day. */
    nextDay: (after: string | null, { from, to }: DayRange): string | null => {
      const row =
        after === null
          ? db.get(FIRST_DAY, nulFree(from), nulFree(to))
          : db.get(NEXT_DAY, after, nulFree(to));
      return (row as [string | null])[0];
    },

    cachedTotals: (day: string): ActivityOfDay | undefined => cached.get(day),

    totals: (day: string): ActivityOfDay => {
      const totals = activityOfDay(day, db.get(TOTALS_OF_DAY, day) as Sums);
      cached.set(day, totals);
      return totals;
    },

    /** Documents of these days were saved. */
    noteSaved: (days: readonly DayKey[]): void => {
      for (const { day } of days) cached.delete(nulFree(day));
    },
  };
};

export type Activity = ReturnType<typeof activityOn>;

const activityOfDay = (day: string, [clicks, views, ratings, seconds]: Sums): ActivityOfDay => ({
  day: withNul(day),
  clicks,
  views,
  ratings,
  seconds,
});

/** Adds up one day per turn of the event loop, because a day may have a document per anime. */
export const totalActivity = async (
  activity: () => Activity,
  range: DayRange,
): Promise<readonly ActivityOfDay[]> => {
  const found: ActivityOfDay[] = [];
  const nextDay = (after: string | null) => activity().nextDay(after, range);
  for (let day = nextDay(null); day !== null; day = nextDay(day)) {
    const known = activity().cachedTotals(day);
    if (known === undefined) await nextTurn();
    found.push(known ?? activity().totals(day));
  }
  return found.filter(({ clicks, views, ratings }) => clicks + views + ratings > 0);
};
