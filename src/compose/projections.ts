import { readFile } from 'node:fs/promises';
import { pause } from '../platform/async/retry.js';
import type { StreamTrouble } from '../platform/observability/health.js';
import { PACKAGE_ROOT } from '../platform/package.js';
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
const BY_CATEGORY_PROJECTION = '$by_category';

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

/** `$by_event_type` is for browsing by type. The other standard projections are of no use here. */
const STANDARD = [BY_CATEGORY_PROJECTION, '$by_event_type'];

/** A step that timed out on a server that has just started usually succeeds on a retry. */
const RESTARTS = 5;
const BETWEEN_LOOKS_MS = 300;

export type Print = (line: string) => void;

/** Deploys our projections. Returns false if one is faulted or gets no events. */
export const deployProjections = async (
  projections: Projections,
  print: Print,
): Promise<boolean> => {
  const definitions = await projectionDefinitions();
  await enableStandard(projections, print);
  for (const definition of definitions) {
    print(`${padded(definition.name)} ${await projections.deploy(definition)}`);
  }
  await restartTimedOut(projections, definitions, print);
  return printProblems(await projections.list(), namesOf(definitions), print) === 0;
};

const enableStandard = async (projections: Projections, print: Print): Promise<void> => {
  for (const { name, condition } of await projections.list()) {
    if (!STANDARD.includes(name) || condition === 'running') continue;
    await projections.enable(name);
    print(`${padded(name)} enabled`);
  }
};

/** Restarts projections that timed out, until all have settled or the attempts are used up. */
const restartTimedOut = async (
  projections: Projections,
  definitions: readonly ProjectionDefinition[],
  print: Print,
): Promise<void> => {
  for (let restart = 0; restart < RESTARTS; restart += 1) {
    const all = await projections.list();
    const watched = [...STANDARD, ...namesOf(definitions)];
    const ours = all.filter(({ name }) => watched.includes(name));
    const late = ours.filter(({ timedOut }) => timedOut);
    if (late.length === 0 && ours.every(({ condition }) => condition !== 'changing')) return;
    for (const { name, reason } of late) {
      await projections.enable(name);
      print(`${padded(name)} restarted: ${reason}`);
    }
    await pause(BETWEEN_LOOKS_MS);
  }
};

export const namesOf = (definitions: readonly ProjectionDefinition[]): readonly string[] =>
  definitions.map(({ name }) => name);

export const padded = (name: string): string => name.padEnd(22);

export const isRunning = (status: ProjectionStatus | undefined): boolean =>
  status?.condition === 'running' || status?.condition === 'changing';

/** Prints why projections are faulted or get no events; returns the number of problems. */
export const printProblems = (
  all: readonly ProjectionStatus[],
  ours: readonly string[],
  print: Print,
): number => {
  const faulted = all.filter(
    ({ name, condition }) => ours.includes(name) && condition === 'faulted',
  );
  for (const { name, reason } of faulted) print(`${name} is faulted: ${reason}`);
  const byCategory = all.find(({ name }) => name === BY_CATEGORY_PROJECTION);
  if (isRunning(byCategory)) return faulted.length;
  print(
    `${BY_CATEGORY_PROJECTION} is ${byCategory?.condition ?? 'missing'}, so our projections get no events: start the server with EVENTSTORE_RUN_PROJECTIONS=All and run \`projections deploy\`.`,
  );
  return faulted.length + 1;
};

const PROJECTIONS_EVERY_MS = 15_000;
/** While one is starting or stopping. */
const SOON_MS = 500;

const PROJECTION_CONDITIONS: readonly (ProjectionCondition | 'missing')[] = [
  'running',
  'stopped',
  'faulted',
  'changing',
  'missing',
];

type WatchDependencies = Pick<Dependencies, 'logger' | 'lifecycle' | 'metrics' | 'health'>;

interface WatchOptions {
  readonly everyMs?: number;
  /** Deploys our projections before the first poll, again until that succeeds. */
  readonly deploys?: boolean;
}

/**
 * Polls the state of our projections for `/health` and the metrics: a faulted one stays faulted until an
 * operator acts, and nothing else reports it. Commands and queries do not depend on them.
 */
export const watchProjections = async (
  { logger, lifecycle, metrics, health }: WatchDependencies,
  projections: Projections,
  { everyMs = PROJECTIONS_EVERY_MS, deploys = false }: WatchOptions = {},
): Promise<void> => {
  const names = [
    BY_CATEGORY_PROJECTION,
    ...(await projectionDefinitions()).map(({ name }) => name),
  ];
  const stopping = new AbortController();
  let troubles: readonly StreamTrouble[] = [];
  let failed = false;
  let isChanging = false;
  let toDeploy = deploys;
  const note = notesOf(metrics);

  const deploy = async (): Promise<void> => {
    await deployProjections(projections, (line) => logger.info('Projections deployed', { line }));
    toDeploy = false;
  };

  const look = async (): Promise<void> => {
    const all = await projections.list();
    const known = names.map((name) => [name, all.find((each) => each.name === name)] as const);
    troubles = known.flatMap(([name, status]) => projectionTrouble(name, status));
    for (const [name, status] of known) note(name, status);
    isChanging = known.some(([, status]) => status?.condition === 'changing');
  };

  const poll = async (): Promise<void> => {
    try {
      if (toDeploy) await deploy();
      await look();
      failed = false;
    } catch (error) {
      // A failed poll says nothing about the projections: clear their state until one succeeds.
      troubles = [];
      metrics.projectionState.reset();
      metrics.projectionProgress.reset();
      metrics.projectionLag.reset();
      const why = error instanceof Error ? error.message : 'unknown';
      if (!failed) logger.warn('Projections could not be polled', { why });
      failed = true;
    }
  };

  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await poll();
      await pause(isChanging ? Math.min(SOON_MS, everyMs) : everyMs, stopping.signal);
    }
  };

  health.watch('projections', () => troubles);
  let watching: Promise<void> = Promise.resolve();
  await lifecycle.open(
    'projections watch',
    () => {
      watching = watch();
      return Promise.resolve();
    },
    async () => {
      stopping.abort();
      await watching;
    },
  );
};

/** Sets the metrics of one projection as it was polled. */
const notesOf = (metrics: WatchDependencies['metrics']) => {
  const caughtUpAt = new Map<string, number>();
  const faulted = new Set<string>();

  return (projection: string, status: ProjectionStatus | undefined): void => {
    for (const condition of PROJECTION_CONDITIONS) {
      const is = (status?.condition ?? 'missing') === condition;
      metrics.projectionState.set({ projection, condition }, is ? 1 : 0);
    }
    const isFaulted = status?.condition === 'faulted';
    metrics.projectionFaults.inc({ projection }, isFaulted && !faulted.has(projection) ? 1 : 0);
    if (isFaulted) faulted.add(projection);
    else faulted.delete(projection);
    if (status === undefined) {
      metrics.projectionProgress.remove({ projection });
      metrics.projectionLag.remove({ projection });
      return;
    }
    const now = performance.now();
    const isCaughtUp = status.condition === 'running' && status.progress >= 100;
    if (isCaughtUp || !caughtUpAt.has(projection)) caughtUpAt.set(projection, now);
    metrics.projectionProgress.set({ projection }, status.progress / 100);
    metrics.projectionLag.set({ projection }, (now - (caughtUpAt.get(projection) ?? now)) / 1000);
  };
};

const projectionTrouble = (name: string, status: ProjectionStatus | undefined): StreamTrouble[] => {
  const condition = status?.condition ?? 'missing';
  if (condition === 'running' || condition === 'changing') return [];
  const why = status?.reason ? `: ${status.reason}` : '.';
  const detail = `The projection ${name} is ${condition}${why}`;
  const remedy = 'Run `anime-analytics projections deploy`, which restarts it.';
  return [{ stream: `$projections-${name}`, detail, remedy }];
};
