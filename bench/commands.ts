import { join, resolve } from 'node:path';
import { storageLimit } from './limits/l2-storage.js';
import { benchArguments } from './support/arguments.js';
import { runCommands, type CommandsLoad, type CommandsResult } from './support/commands-load.js';
import { measureOverGrpc } from './support/over-grpc.js';
import { compiled } from './support/paths.js';
import { profileLoad } from './support/profiled-load.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { runSameIfMatch } from './support/same-if-match.js';
import { startLimit } from './support/server-process.js';
import { listAnimes, settled, withService, type Service } from './support/service.js';

/**
 * How many commands a second, at which cost, beside a server that validates and keeps nothing (L1), and each
 * budget beside its goal: in the settings of production and in those of development (--only for one of them).
 * With --beside another version in the same rounds, with --profile who used the processor, with --over-grpc
 * what an event store behind its protocol costs.
 */

const { quick, rounds, durationMs, profile, overGrpc, only, beside } = benchArguments();
const GROUPS = [1, 10, 64, 500];

const ENVIRONMENTS = ['production', 'development'] as const;
type Environment = (typeof ENVIRONMENTS)[number];

/** Production writes warnings alone here; development keeps its own level. */
const settingsOf = (environment: Environment): Readonly<Record<string, string>> => ({
  NODE_ENV: environment,
  ...(environment === 'development' ? { LOG_LEVEL: 'info' } : {}),
});

const besideMain = beside === undefined ? {} : { main: join(resolve(beside), 'dist/src/main.js') };

/** Names of the versions in the tables, each with what its loads are called. */
const VERSIONS = [
  { version: 'this version', suffix: '' },
  ...(beside === undefined ? [] : [{ version: beside, suffix: `, ${beside}` }]),
];

const measure = async (environment: Environment, services: readonly Service[]) => {
  const limit = await startLimit(compiled('bench/limits/l1-express.js'), {
    env: { NODE_ENV: environment },
  });
  try {
    const loads: [string, CommandsLoad][] = [
      ['L1', { server: limit, port: limit.port, popularity: 'zipf', durationMs }],
    ];
    for (const [index, service] of services.entries()) {
      await listAnimes(service);
      const settle = () => settled(service);
      const load = { server: service, port: service.commandPort, durationMs, settle };
      const suffix = VERSIONS[index]?.suffix ?? '';
      loads.push([`zipf${suffix}`, { ...load, popularity: 'zipf' }]);
      loads.push([`hot${suffix}`, { ...load, popularity: 'hot' }]);
    }
    // The first round teaches the just-in-time compilers.
    for (const [, load] of loads) await runCommands(load, 0);
    const results = await interleaved(
      loads.map(([name, load]) => ({ name, measure: (round) => runCommands(load, round + 1) })),
      { rounds },
    );
    const megabytes = await Promise.all(services.map((service) => service.peakMegabytes()));
    return { results, megabytes, megabytesOfL1: await limit.peakMegabytes() };
  } finally {
    await limit.stop();
  }
};

type Measured = Awaited<ReturnType<typeof measure>>;

const rowsOf = ({ results }: Measured) => {
  const of = (name: string, value: (result: CommandsResult) => number): readonly number[] =>
    (results.get(name) ?? []).map(value);
  const toL1 = (
    name: string,
    value: (result: CommandsResult) => number,
    ofL1: (result: CommandsResult) => number = value,
  ) => ratio(of(name, value), of('L1', ofL1));

  return [...results.keys()].map((name) => ({
    name,
    perSecond: median(of(name, (result) => result.perSecond)),
    rate: toL1(name, (result) => result.perSecond),
    cpu: median(of(name, (result) => result.cpu)),
    cpuToL1: toL1(name, (result) => result.cpu).median,
    cpuInAll: toL1(
      name,
      (result) => result.cpuInAll,
      (result) => result.cpu,
    ).median,
    p50Ms: median(of(name, (result) => result.p50Ms)),
    p99Ms: median(of(name, (result) => result.p99Ms)),
    p99ToL1: toL1(name, (result) => result.p99Ms).median,
  }));
};

type Row = ReturnType<typeof rowsOf>[number];

const LOAD_HEADER = [
  ...['load', 'commands/s', 'x L1', 'lowest', 'highest', 'CPU s/1k', 'x L1', 'with read models'],
  ...['p50 ms', 'p99 ms', 'x L1'],
];

const printLoads = (rows: readonly Row[]): void =>
  printTable(
    LOAD_HEADER,
    rows.map((row) => [
      row.name,
      Math.round(row.perSecond),
      ...[row.rate.median, row.rate.lowest, row.rate.highest, row.cpu, row.cpuToL1],
      ...[row.cpuInAll, row.p50Ms, row.p99Ms, row.p99ToL1],
    ]),
  );

interface Budget {
  readonly what: string;
  readonly goal: number;
  readonly atMost: boolean;
  readonly of: (zipf: Row, hot: Row, memory: number) => number;
}

/** As multiples of L1. */
const BUDGETS: readonly Budget[] = [
  { what: 'zipf, commands/s', goal: 0.8, atMost: false, of: ({ rate }) => rate.median },
  { what: 'zipf, CPU with read models', goal: 1.5, atMost: true, of: ({ cpuInAll }) => cpuInAll },
  { what: 'zipf, p99', goal: 1.4, atMost: true, of: ({ p99ToL1 }) => p99ToL1 },
  { what: 'hot, commands/s', goal: 0.85, atMost: false, of: (_, { rate }) => rate.median },
  { what: 'peak memory', goal: 1.6, atMost: true, of: (_zipf, _hot, memory) => memory },
];

const budgetsOf = ({ megabytes, megabytesOfL1 }: Measured, rows: readonly Row[]) =>
  VERSIONS.flatMap(({ version, suffix }, index) => {
    const [zipf, hot] = ['zipf', 'hot'].map((load) =>
      rows.find(({ name }) => name === `${load}${suffix}`),
    );
    if (zipf === undefined || hot === undefined) return [];
    const memory = (megabytes[index] ?? Number.NaN) / megabytesOfL1;
    return BUDGETS.map(({ what, goal, atMost, of }) => {
      const value = of(zipf, hot, memory);
      return { version, what, value, goal, isMet: atMost ? value <= goal : value >= goal };
    });
  });

const reportOn = async (environment: Environment, services: readonly Service[]) => {
  const measured = await measure(environment, services);
  const rows = rowsOf(measured);
  console.log(`\nSettings of ${environment}:`);
  printLoads(rows);
  const budgets = budgetsOf(measured, rows);
  printTable(
    ['version', 'budget', 'x L1', 'goal', ''],
    budgets.map(({ version, what, value, goal, isMet }) => [
      version,
      what,
      ...[value, goal, isMet ? 'met' : 'missed'],
    ]),
  );
  const { megabytes, megabytesOfL1 } = measured;
  console.log(
    `Peak memory: ${megabytes.map((each) => each.toFixed(0)).join(' and ')} MB, L1 ${megabytesOfL1.toFixed(0)} MB.`,
  );
  return { environment, rows, budgets, megabytes, megabytesOfL1 };
};

const withVersions = <T>(
  environment: Environment,
  use: (services: readonly Service[]) => Promise<T>,
): Promise<T> => {
  const settings = settingsOf(environment);
  return withService(
    (ours) =>
      beside === undefined
        ? use([ours])
        : withService((other) => use([ours, other]), settings, besideMain),
    settings,
  );
};

const report = async (): Promise<void> => {
  const storage = GROUPS.map((group) => storageLimit(group, durationMs / 4));
  const environments = [];
  for (const environment of ENVIRONMENTS) {
    if (only !== undefined && only !== environment) continue;
    environments.push(
      await withVersions(environment, (services) => reportOn(environment, services)),
    );
  }
  if (environments.length === 0) throw new Error(`--only is one of ${ENVIRONMENTS.join(', ')}.`);
  const revisions = quick ? 20 : 300;
  const sameIfMatch = await withService(async (service) => {
    await listAnimes(service);
    return runSameIfMatch(service.commandPort, { revisions });
  });
  console.log(
    `\nSame If-Match, 64 at once: ${JSON.stringify(sameIfMatch.statuses)} at ${revisions} revisions, ${sameIfMatch.wrong} with other than one 201.`,
  );
  printTable(
    ['L2: events per fsync', 'events/s'],
    GROUPS.map((group, index) => [group, Math.round(storage[index] ?? Number.NaN)]),
  );
  printJson('commands', { quick, rounds, environments, sameIfMatch, storage });
};

printHost();
if (overGrpc) {
  printJson('commands-over-grpc', { rounds, rows: await measureOverGrpc({ rounds, durationMs }) });
} else if (profile) {
  await profileLoad({ popularity: 'zipf', durationMs: durationMs * 2 }, besideMain);
} else {
  await report();
}
