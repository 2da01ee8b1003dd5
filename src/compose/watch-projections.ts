import type { StreamTrouble } from '../platform/observability/health.js';
import { pause } from '../platform/async/retry.js';
import type { ProjectionCondition, Projections, ProjectionStatus } from '../ports/projections.js';
import type { Needs } from './needs.js';
import { BY_CATEGORY, projectionDefinitions } from './projection-files.js';

const EVERY_MS = 15_000;

const CONDITIONS: readonly (ProjectionCondition | 'missing')[] = [
  ...(['running', 'stopped', 'faulted', 'changing', 'missing'] as const),
];

type WatchNeeds = Pick<Needs, 'logger' | 'life' | 'metrics' | 'health'>;

/**
 * Asks again and again how our projections are, for `/health` and the metrics: one that faulted stays
 * so until somebody acts, and nothing else tells. Commands and queries go on without them.
 */
export const watchProjections = async (
  { logger, life, metrics, health }: WatchNeeds,
  projections: Projections,
  everyMs = EVERY_MS,
): Promise<void> => {
  const names = [BY_CATEGORY, ...(await projectionDefinitions()).map(({ name }) => name)];
  const stopping = new AbortController();
  let troubles: readonly StreamTrouble[] = [];
  let failed = false;

  const look = async (): Promise<void> => {
    const all = await projections.list();
    const known = names.map((name) => [name, all.find((each) => each.name === name)] as const);
    troubles = known.flatMap(([name, status]) => troubleOf(name, status));
    for (const [projection, status] of known) {
      for (const condition of CONDITIONS) {
        const is = (status?.condition ?? 'missing') === condition;
        metrics.projectionState.set({ projection, condition }, is ? 1 : 0);
      }
    }
  };

  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await look();
        failed = false;
      } catch (error) {
        // Not knowing is no fault of theirs: nothing is said of them until they are seen again.
        troubles = [];
        metrics.projectionState.reset();
        const why = error instanceof Error ? error.message : 'unknown';
        if (!failed) logger.warn('The projections cannot be watched', { why });
        failed = true;
      }
      await pause(everyMs, stopping.signal);
    }
  };

  health.watch('projections', () => troubles);
  let watching: Promise<void> = Promise.resolve();
  await life.open(
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

const troubleOf = (name: string, status: ProjectionStatus | undefined): StreamTrouble[] => {
  const condition = status?.condition ?? 'missing';
  if (condition === 'running' || condition === 'changing') return [];
  const why = status?.reason ? `: ${status.reason}` : '.';
  const detail = `The projection ${name} is ${condition}${why}`;
  const remedy = 'Run `anime-analytics projections deploy`, which starts it again.';
  return [{ stream: `$projections-${name}`, detail, remedy }];
};
