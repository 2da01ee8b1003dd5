import { benchArguments } from './support/arguments.js';
import { runCommands, type CommandsLoad, type CommandsResult } from './support/commands-load.js';
import { profileLoad } from './support/profiled-load.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { listAnimes, settled, withService, type Service } from './support/service.js';

/**
 * How many commands a second in batches, at which cost, beside one command per request. With --profile who used
 * the processor for batches of 100.
 */

const { quick, rounds, durationMs, profile } = benchArguments();

const BATCHES = [100, 1000].map((together) => ({ name: `batches of ${together}`, together }));

/** Commands per second, and CPU per command, as multiples of single commands. */
const GOALS: Readonly<Record<number, { readonly rate: number; readonly cpu: number }>> = {
  100: { rate: 5, cpu: 0.35 },
  1000: { rate: 7, cpu: 0.35 },
};

/** Commands in a batch that is profiled. */
const PROFILED = 100;

/** Fewer than of single commands: each request keeps the service busy for longer. */
const CONNECTIONS = 8;

const measure = async (service: Service) => {
  await listAnimes(service);
  const settle = () => settled(service);
  const single: CommandsLoad = {
    server: service,
    port: service.commandPort,
    popularity: 'zipf',
    durationMs,
    settle,
  };
  const batches = BATCHES.map(({ name, together }) => ({
    name,
    load: { ...single, together, connections: CONNECTIONS },
  }));
  const loads = [{ name: 'single', load: single }, ...batches];
  // The first round teaches the just-in-time compilers.
  for (const { load } of loads) await runCommands(load, 0);
  return interleaved(
    loads.map(({ name, load }) => ({ name, measure: (round) => runCommands(load, round + 1) })),
    { rounds },
  );
};

const report = async (): Promise<void> => {
  const results = await withService(measure);

  const of = (name: string, value: (result: CommandsResult) => number): readonly number[] =>
    (results.get(name) ?? []).map(value);
  const toSingle = (name: string, value: (result: CommandsResult) => number) =>
    ratio(of(name, value), of('single', value));

  const rows = [{ name: 'single', together: 1 }, ...BATCHES].map(({ name, together }) => ({
    name,
    perSecond: median(of(name, (result) => result.perSecond)),
    rate: toSingle(name, (result) => result.perSecond),
    rateGoal: GOALS[together]?.rate ?? 1,
    cpu: median(of(name, (result) => result.cpu)),
    cpuToSingle: toSingle(name, (result) => result.cpu).median,
    cpuInAllToSingle: toSingle(name, (result) => result.cpuInAll).median,
    cpuGoal: GOALS[together]?.cpu ?? 1,
    p99Ms: median(of(name, (result) => result.p99Ms)),
  }));

  printTable(
    [
      'load',
      'commands/s',
      'x single',
      'goal',
      'lowest',
      'highest',
      'CPU s/1k',
      'x single',
      'with read models',
      'goal',
      'p99 ms of a request',
    ],
    rows.map((row) => [
      row.name,
      Math.round(row.perSecond),
      ...[row.rate.median, row.rateGoal, row.rate.lowest, row.rate.highest],
      ...[row.cpu, row.cpuToSingle, row.cpuInAllToSingle, row.cpuGoal, row.p99Ms],
    ]),
  );
  printJson('batch', { quick, rounds, rows });
};

printHost();
if (profile) {
  await profileLoad({
    popularity: 'zipf',
    durationMs: durationMs * 2,
    together: PROFILED,
    connections: CONNECTIONS,
  });
} else {
  await report();
}
