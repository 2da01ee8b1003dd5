/** The value of a metric without labels, or the sum over all of its labels; 0 where it is missing. */
export const metricOf = (text: string, name: string): number =>
  [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );

/** What the process whose health page this is counts by now. */
export const scrape = async (healthUrl: string): Promise<string> =>
  await (await fetch(new URL('/metrics', healthUrl))).text();
