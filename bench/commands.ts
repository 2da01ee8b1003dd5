import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { storageLimit } from './limits/l2-storage.js';
import { benchArguments } from './support/arguments.js';
import { runCommands, type CommandsLoad, type CommandsResult } from './support/commands-load.js';
import { profileRows, profilingArgs } from './support/cpu-profile.js';
import { measureOverGrpc } from './support/over-grpc.js';
import { compiled } from './support/paths.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { runSameIfMatch } from './support/same-if-match.js';
import { startLimit } from './support/server-process.js';
import { listAnimes, settled, withService, type Service } from './support/service.js';

/**
 * How many commands a second, at which cost, beside a server that validates and keeps nothing (L1).
 * With --profile who used the processor, with --over-grpc what an event store behind its protocol costs.
 */

const { quick, rounds, durationMs, profile, overGrpc } = benchArguments();
const GROUPS = [1, 10, 64, 500];

const measure = async (service: Service) => {
  const limit = await startLimit(compiled('bench/limits/l1-express.js'));
  try {
    await listAnimes(service);
    const settle = () => settled(service);
    const ours = { server: service, port: service.commandPort, durationMs, settle };
    const loads: readonly (readonly [string, CommandsLoad])[] = [
      ['L1', { server: limit, port: limit.port, popularity: 'zipf', durationMs }],
      ['zipf', { ...ours, popularity: 'zipf' }],
      ['hot', { ...ours, popularity: 'hot' }],
    ];
    // The first round teaches the just-in-time compilers.
    for (const [, load] of loads) await runCommands(load, 0);
    const results = await interleaved(
      loads.map(([name, load]) => ({ name, measure: (round) => runCommands(load, round + 1) })),
      { rounds },
    );
    const sameIfMatch = await runSameIfMatch(service.commandPort, { revisions: quick ? 20 : 300 });
    const megabytes = { L1: await limit.peakMegabytes(), ours: await service.peakMegabytes() };
    return { results, sameIfMatch, megabytes };
  } finally {
    await limit.stop();
  }
};

const report = async (): Promise<void> => {
  const storage = GROUPS.map((group) => storageLimit(group, durationMs / 4));
  const { results, sameIfMatch, megabytes } = await withService(measure);

  const of = (name: string, value: (result: CommandsResult) => number): readonly number[] =>
    (results.get(name) ?? []).map(value);
  const toL1 = (name: string, value: (result: CommandsResult) => number) =>
    ratio(of(name, value), of('L1', value)).median;

  const rows = ['L1', 'zipf', 'hot'].map((name) => ({
    name,
    perSecond: median(of(name, (result) => result.perSecond)),
    rate: ratio(
      of(name, (r) => r.perSecond),
      of('L1', (r) => r.perSecond),
    ),
    cpu: median(of(name, (result) => result.cpu)),
    cpuToL1: toL1(name, (result) => result.cpu),
    cpuInAllToL1: ratio(
      of(name, (r) => r.cpuInAll),
      of('L1', (r) => r.cpu),
    ).median,
    p50Ms: median(of(name, (result) => result.p50Ms)),
    p99Ms: median(of(name, (result) => result.p99Ms)),
    p99ToL1: toL1(name, (result) => result.p99Ms),
  }));

  printTable(
    [
      'load',
      'commands/s',
      'x L1',
      'lowest',
      'highest',
      'CPU s/1k',
      'x L1',
      'with read models',
      'p50 ms',
      'p99 ms',
      'x L1',
    ],
    rows.map((row) => [
      row.name,
      Math.round(row.perSecond),
      ...[row.rate.median, row.rate.lowest, row.rate.highest, row.cpu, row.cpuToL1],
      ...[row.cpuInAllToL1, row.p50Ms, row.p99Ms, row.p99ToL1],
    ]),
  );
  const hotToZipf = ratio(
    of('hot', (r) => r.perSecond),
    of('zipf', (r) => r.perSecond),
  ).median;
  console.log(`hot / zipf: ${hotToZipf.toFixed(2)}`);
  console.log(
    `Same If-Match, 64 at once: ${JSON.stringify(sameIfMatch.statuses)} at ${sameIfMatch.revisions} revisions, ${sameIfMatch.wrong} with other than one 201.`,
  );
  console.log(
    `Peak memory: ${megabytes.ours.toFixed(0)} MB, L1 ${megabytes.L1.toFixed(0)} MB (x ${(megabytes.ours / megabytes.L1).toFixed(2)}).`,
  );
  printTable(
    ['L2: events per fsync', 'events/s'],
    GROUPS.map((group, index) => [group, Math.round(storage[index] ?? Number.NaN)]),
  );
  printJson('commands', { quick, rounds, rows, hotToZipf, sameIfMatch, megabytes, storage });
};

/** A profile slows down what it shows: it is taken apart from the measurement. */
const profiled = async (): Promise<void> => {
  const directory = await temporaryDirectory();
  const load = { popularity: 'zipf', durationMs: durationMs * 2 } as const;
  await withService(
    async (service) => {
      await listAnimes(service);
      await runCommands({ ...load, server: service, port: service.commandPort }, 1);
    },
    {},
    profilingArgs(directory.path),
  );
  printTable(['thread', 'owner', '% of its time', 'ms'], await profileRows(directory.path));
  await directory.remove();
};

printHost();
if (overGrpc) {
  printJson('commands-over-grpc', { rounds, rows: await measureOverGrpc({ rounds, durationMs }) });
} else if (profile) {
  await profiled();
} else {
  await report();
}
