export const MIN_RATING = 1;
export const MAX_RATING = 10;
export const MAX_VIEW_SECONDS = 86_400;

/** 1.0 to 10.0 with at most two decimals, so that sums in whole hundredths are exact. */
export const isRating = (value: unknown): value is number =>
  typeof value === 'number' &&
  value >= MIN_RATING &&
  value <= MAX_RATING &&
  Math.round(value * 100) / 100 === value;

/** 0 to 86,400 whole seconds. */
export const isDurationSeconds = (value: unknown): value is number =>
  typeof value === 'number' &&
  Number.isInteger(value) &&
  value >= 0 &&
  value <= MAX_VIEW_SECONDS &&
  !Object.is(value, -0);
