import { readFile } from 'node:fs/promises';

/** The ids of the sample catalogue, the most popular first as the file has them. */
export const sampleAnimeIds = async (): Promise<readonly number[]> =>
  (await readFile('data/sample-catalog.csv', 'utf8'))
    .split('\n')
    .flatMap((line) => /^(\d+),/.exec(line)?.[1] ?? [])
    .map(Number);
