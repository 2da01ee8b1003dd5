import { ConfigError, type Config } from '../platform/config/config.js';
import { createLifecycle } from '../platform/lifecycle.js';
import { pause } from '../platform/async/retry.js';
import type { Logger } from '../platform/observability/logger.js';
import { PortError } from '../ports/errors.js';
import type { ProjectionDefinition, Projections, ProjectionStatus } from '../ports/projections.js';
import { openServer } from '../compose/write-side.js';
import { BY_CATEGORY_PROJECTION, projectionDefinitions } from '../compose/projections.js';

/** `$by_event_type` is for browsing by type. The other standard projections are of no use here. */
const STANDARD = [BY_CATEGORY_PROJECTION, '$by_event_type'];

/** A step that timed out on a server that has just started usually succeeds on a retry. */
const RESTARTS = 5;
const BETWEEN_LOOKS_MS = 300;

const NO_SERVER =
  'EVENTSTORE_URL: the embedded event store has no projection engine; name an EventStoreDB or KurrentDB server.';

export interface ProjectionsJobOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly action: 'deploy' | 'status';
  readonly print: (line: string) => void;
  readonly report?: (data: Readonly<Record<string, unknown>>) => void;
}

/**
 * Deploys our projections, or prints their state. Returns false if the server has no engine or
 * cannot be reached, or if a projection is missing or not running; the output says which and why.
 */
export const runProjectionsJob = async (options: ProjectionsJobOptions): Promise<boolean> => {
  const { config, logger, action, print } = options;
  if (config.eventStore.url === '') throw new ConfigError(NO_SERVER);
  const lifecycle = createLifecycle({ logger, timeoutMs: config.shutdownTimeoutMs });
  try {
    const { store } = await openServer({ config, logger, lifecycle });
    const run = action === 'deploy' ? deployProjections : showProjections;
    const ok = await run(store.projections, print);
    options.report?.({ projections: await ourStatuses(store.projections) });
    return ok;
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    print(error.message);
    return false;
  } finally {
    await lifecycle.close();
  }
};

type Print = ProjectionsJobOptions['print'];

const deployProjections = async (projections: Projections, print: Print): Promise<boolean> => {
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

const namesOf = (definitions: readonly ProjectionDefinition[]): readonly string[] =>
  definitions.map(({ name }) => name);

const padded = (name: string): string => name.padEnd(22);

const described = ({ condition, status, progress, position }: ProjectionStatus): string => {
  const state = condition === 'running' ? 'running' : status;
  return `${state}, ${progress.toFixed(1)} %, at ${position === '' ? 'the beginning' : position}`;
};

const isRunning = (status: ProjectionStatus | undefined): boolean =>
  status?.condition === 'running' || status?.condition === 'changing';

/** Prints why projections are faulted or get no events; returns the number of problems. */
const printProblems = (
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
