export const MIN_RATING = 1;
export const MAX_RATING = 10;
/** 68 years: what fits into 32 bits, as clients and stores count. */
export const MAX_VIEW_SECONDS = 2 ** 31 - 1;

/** Any number from 1 to 10; `keptRating` says what is kept of it. */
export const isRating = (value: unknown): value is number =>
  typeof value === 'number' && value >= MIN_RATING && value <= MAX_RATING;

/**
 * A rating rounded to hundredths, halves up, so that sums of hundredths are exact. The decimal form
 * is rounded, because 1.005 * 100 is below 100.5. A rating with two decimals is not changed.
 */
export const keptRating = (rating: number): number => {
  if (Math.round(rating * 100) / 100 === rating) return rating;
  const [whole = '', decimals = ''] = String(rating).split('.');
  const hundredths = Number(whole + decimals.slice(0, 2));
  return (decimals.charAt(2) >= '5' ? hundredths + 1 : hundredths) / 100;
};

/** 0 to 2^31-1 whole seconds. */
export const isDurationSeconds = (value: unknown): value is number =>
  typeof value === 'number' &&
  Number.isInteger(value) &&
  value >= 0 &&
  value <= MAX_VIEW_SECONDS &&
  !Object.is(value, -0);
