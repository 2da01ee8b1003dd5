import { readFile } from 'node:fs/promises';
import { repeat } from '../platform/async/retry.js';
import type { StreamTrouble } from '../platform/observability/health.js';
import { PACKAGE_ROOT } from '../platform/package.js';
import { messageOf } from '../ports/errors.js';
import type {
  ProjectionCondition,
  ProjectionDefinition,
  Projections,
  ProjectionStatus,
} from '../ports/projections.js';
import {
  ANIME_ACTIVITY,
  ANIME_RATING_CHANGES,
  ANIME_RATING_SUMMARY,
} from '../read-side/audit/projections.js';
import type { Dependencies } from './dependencies.js';

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

const PROJECTIONS_EVERY_MS = 15_000;

const PROJECTION_CONDITIONS: readonly (ProjectionCondition | 'missing')[] = [
  'running',
  'stopped',
  'faulted',
  'changing',
  'missing',
];

type WatchDependencies = Pick<Dependencies, 'logger' | 'lifecycle' | 'metrics' | 'health'>;

/**
 * Polls the state of our projections for `/health` and the metrics: a faulted one stays faulted until an
 * operator acts, and nothing else reports it. Commands and queries do not depend on them.
 */
export const watchProjections = async (
  { logger, lifecycle, metrics, health }: WatchDependencies,
  projections: Projections,
  everyMs = PROJECTIONS_EVERY_MS,
): Promise<void> => {
  const names = [
    BY_CATEGORY_PROJECTION,
    ...(await projectionDefinitions()).map(({ name }) => name),
  ];
  const stopping = new AbortController();
  let troubles: readonly StreamTrouble[] = [];
  let failed = false;

  const look = async (): Promise<void> => {
    const all = await projections.list();
    const known = names.map((name) => [name, all.find((each) => each.name === name)] as const);
    troubles = known.flatMap(([name, status]) => projectionTrouble(name, status));
    for (const [projection, status] of known) {
      for (const condition of PROJECTION_CONDITIONS) {
        const is = (status?.condition ?? 'missing') === condition;
        metrics.projectionState.set({ projection, condition }, is ? 1 : 0);
      }
    }
  };

  const poll = async (): Promise<void> => {
    try {
      await look();
      failed = false;
    } catch (error) {
      // A failed poll says nothing about the projections: clear their state until one succeeds.
      troubles = [];
      metrics.projectionState.reset();
      const why = messageOf(error);
      if (!failed) logger.warn('Projections could not be polled', { why });
      failed = true;
    }
  };

  health.watch('projections', () => troubles);
  let watching: Promise<void> = Promise.resolve();
  await lifecycle.open(
    'projections watch',
    () => {
      watching = repeat(poll, everyMs, stopping.signal);
      return Promise.resolve();
    },
    async () => {
      stopping.abort();
      await watching;
    },
  );
};

const projectionTrouble = (name: string, status: ProjectionStatus | undefined): StreamTrouble[] => {
  const condition = status?.condition ?? 'missing';
  if (condition === 'running' || condition === 'changing') return [];
  const why = status?.reason ? `: ${status.reason}` : '.';
  const detail = `The projection ${name} is ${condition}${why}`;
  const remedy = 'Run `anime-analytics projections deploy`, which restarts it.';
  return [{ stream: `$projections-${name}`, detail, remedy }];
};
