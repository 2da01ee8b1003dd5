import type { Config } from '../platform/config/config.js';
import { createLifecycle } from '../platform/lifecycle.js';
import type { Logger } from '../platform/observability/logger.js';
import { PortError } from '../ports/errors.js';
import type { Projections, ProjectionStatus } from '../ports/projections.js';
import {
  deployProjections,
  isRunning,
  namesOf,
  padded,
  type Print,
  printProblems,
  projectionDefinitions,
} from '../compose/projections.js';
import { openProjectionsForJob } from '../compose/write-side.js';

export interface ProjectionsJobOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly action: 'deploy' | 'status';
  readonly print: Print;
  readonly report?: (data: Readonly<Record<string, unknown>>) => void;
}

/**
 * Deploys our projections, or prints their state. Returns false if the server has no engine or
 * cannot be reached, or if a projection is missing or not running; the output says which and why.
 */
export const runProjectionsJob = async (options: ProjectionsJobOptions): Promise<boolean> => {
  const { config, logger, action, print } = options;
  const lifecycle = createLifecycle({ logger, timeoutMs: config.shutdownTimeoutMs });
  try {
    const projections = await openProjectionsForJob({ config, logger, lifecycle });
    const run = action === 'deploy' ? deployProjections : showProjections;
    const ok = await run(projections, print);
    options.report?.({ projections: await ourStatuses(projections) });
    return ok;
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    print(error.message);
    return false;
  } finally {
    await lifecycle.close();
  }
};

const showProjections = async (projections: Projections, print: Print): Promise<boolean> => {
  const names = namesOf(await projectionDefinitions());
  const all = await projections.list();
  let running = 0;
  for (const name of names) {
    const found = all.find((status) => status.name === name);
    print(`${padded(name)} ${found === undefined ? 'not deployed' : described(found)}`);
    if (isRunning(found)) running += 1;
  }
  return printProblems(all, names, print) === 0 && running === names.length;
};

/** The status of each of our projections; null for one that is not deployed. */
const ourStatuses = async (projections: Projections) => {
  const all = await projections.list();
  return namesOf(await projectionDefinitions()).map((name) => ({
    name,
    status: all.find((each) => each.name === name) ?? null,
  }));
};

const described = ({ condition, status, progress, position }: ProjectionStatus): string => {
  const state = condition === 'running' ? 'running' : status;
  return `${state}, ${progress.toFixed(1)} %, at ${position === '' ? 'the beginning' : position}`;
};
