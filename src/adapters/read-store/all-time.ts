import type { ActivityOfDay, DayRange, Totals } from '../../ports/read-store.js';

/** Every day that an event can have happened on. */
export const ALL_DAYS: DayRange = { from: '0000-01-01', to: '9999-12-31' };

/** The activity of all days, added up. */
export const totalsOf = (listed: number, days: readonly ActivityOfDay[]): Totals => {
  const sum = { clicks: 0, views: 0, seconds: 0, ratings: 0 };
  for (const day of days) {
    sum.clicks += day.clicks;
    sum.views += day.views;
    sum.seconds += day.seconds;
    sum.ratings += day.ratings;
  }
  return { listed, ...sum };
};
