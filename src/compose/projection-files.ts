import { readFile } from 'node:fs/promises';
import { PACKAGE_ROOT } from '../platform/package.js';
import type { ProjectionDefinition } from '../ports/projections.js';
import {
  ANIME_ACTIVITY,
  ANIME_RATING_CHANGES,
  ANIME_RATING_SUMMARY,
} from '../read-side/audit/projections.js';

/** The server's own projection that makes the streams which ours read. */
export const BY_CATEGORY = '$by_category';

const directory = `${PACKAGE_ROOT}projections/`;

/** Put behind each: the engine knows no imports. */
const READING = 'reading.js';

/** Each stands in a file of its name. Those that write events or links need emit. */
const PROJECTIONS: readonly Omit<ProjectionDefinition, 'query'>[] = [
  { name: ANIME_ACTIVITY, emit: false },
  { name: ANIME_RATING_CHANGES, emit: true },
  { name: ANIME_RATING_SUMMARY, emit: false },
  { name: 'user-timeline', emit: true },
  { name: 'global-totals', emit: false },
];

/** Our projections as they stand in `projections/`, an emitting one before the one that reads it. */
export const projectionDefinitions = async (): Promise<readonly ProjectionDefinition[]> => {
  const text = (file: string): Promise<string> => readFile(`${directory}${file}`, 'utf8');
  const reading = await text(READING);
  return Promise.all(
    PROJECTIONS.map(async (projection) => ({
      ...projection,
      query: `${await text(`${projection.name}.js`)}\n${reading}`,
    })),
  );
};
