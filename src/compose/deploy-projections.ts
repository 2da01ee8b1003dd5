import { pause } from '../platform/async/retry.js';
import type { ProjectionDefinition, Projections, ProjectionStatus } from '../ports/projections.js';
import { BY_CATEGORY_PROJECTION, projectionDefinitions } from './projections.js';

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
