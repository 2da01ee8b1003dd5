import { pause } from '../platform/async/retry.js';
import type { StreamTrouble } from '../platform/observability/health.js';
import type { ProjectionCondition, Projections, ProjectionStatus } from '../ports/projections.js';
import type { Dependencies } from './dependencies.js';
import { deployProjections } from './deploy-projections.js';
import { BY_CATEGORY_PROJECTION, projectionDefinitions } from './projections.js';

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
