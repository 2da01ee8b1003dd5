import { readFile } from 'node:fs/promises';
import { PACKAGE_ROOT } from '../platform/package.js';
import type { ProjectionDefinition } from '../ports/projections.js';
import {
  ANIME_ACTIVITY,
  ANIME_RATING_CHANGES,
  ANIME_RATING_SUMMARY,
} from '../read-side/audit/projections.js';

/** The standard projection whose streams ours read. */
export const BY_CATEGORY_PROJECTION = '$by_category';

const directory = `${PACKAGE_ROOT}projections/`;

/** Appended to each projection: the engine has no imports. */
const READING = 'reading.js';

/** Each has a file of its name. Those that write events or links need emit. */
const PROJECTIONS: readonly Omit<ProjectionDefinition, 'query'>[] = [
  { name: ANIME_ACTIVITY, emit: false },
  { name: ANIME_RATING_CHANGES, emit: true },
  { name: ANIME_RATING_SUMMARY, emit: false },
  { name: 'user-timeline', emit: true },
  { name: 'global-totals', emit: false },
];

/** Our projections from `projections/`, each before the ones that read what it emits. */
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
