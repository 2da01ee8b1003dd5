import type { ActivityOfDay, DayRange } from '../../ports/read-store.js';
import { totalsByDay } from './stored-documents.js';
import type { VersionCollections } from './version-collections.js';

/** The activity of all anime per day, without idle days. */
export const activityPerDay = async (
  { days }: VersionCollections,
  range: DayRange,
  maxTimeMS: number,
): Promise<readonly ActivityOfDay[]> => {
  const options = { maxTimeMS, batchSize: 1000 };
  const sum = (counter: Parameters<typeof totalsByDay>[1]): Promise<DayTotal[]> =>
    days.aggregate<DayTotal>(totalsByDay(range, counter), options).toArray();
  const [clicks, views, ratings, seconds] = await Promise.all([
    sum('clicks'),
    sum('views'),
    sum('ratings'),
    sum('seconds'),
  ]);
  const [viewsOn, ratingsOn, secondsOn] = [views, ratings, seconds].map(byDay);
  // A day that began between two sums appears with the next read.
  return clicks.map(({ _id: day, total }) => ({
    day,
    clicks: total,
    views: viewsOn?.get(day) ?? 0,
    ratings: ratingsOn?.get(day) ?? 0,
    seconds: secondsOn?.get(day) ?? 0,
  }));
};

interface DayTotal {
  readonly _id: string;
  readonly total: number;
}

const byDay = (totals: readonly DayTotal[]): ReadonlyMap<string, number> =>
  new Map(totals.map(({ _id, total }) => [_id, total]));
