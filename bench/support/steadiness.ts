import { median } from './rounds.js';

export interface Steadiness {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  /** From the lowest to the highest, as a part of the median. */
  readonly spread: number;
  /** Of the line through all points, a unit of x. */
  readonly slope: number;
  /** What that line gains from the first point to the last, as a part of the median. */
  readonly drift: number;
}

/** How far points stay where they are. */
export const steadiness = (points: readonly (readonly [number, number])[]): Steadiness => {
  const ys = points.map(([, y]) => y);
  const mean = (numbers: readonly number[]) =>
    numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const xMean = mean(points.map(([x]) => x));
  const yMean = mean(ys);
  const covariance = mean(points.map(([x, y]) => (x - xMean) * (y - yMean)));
  const variance = mean(points.map(([x]) => (x - xMean) ** 2));
  const slope = variance === 0 ? 0 : covariance / variance;
  const middle = median(ys);
  const [lowest, highest] = [Math.min(...ys), Math.max(...ys)];
  const length = (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0);
  return {
    median: middle,
    lowest,
    highest,
    spread: (highest - lowest) / middle,
    slope,
    drift: (slope * length) / middle,
  };
};
