import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { benchArguments } from './support/arguments.js';
import { runCommands } from './support/commands-load.js';
import { lineChart } from './support/line-chart.js';
import { printHost, printJson, printTable } from './support/report.js';
import { median } from './support/rounds.js';
import { listAnimes, settled, withService, type Service } from './support/service.js';
import { steadyLoad } from './support/steady-load-process.js';

/**
 * Throughput and latency against the offered load: commands come at a rate of their own, as from many
 * independent clients, from a quarter to more than what a closed loop of 64 connections gets through.
 */

const { quick, rounds, durationMs } = benchArguments();
const OFFERED = quick ? [50, 110] : [25, 50, 75, 90, 100, 110];
const ANIMES = Array.from({ length: 1000 }, (_, index) => index + 1);
/** More than ever wait at once below the maximum. */
const CONNECTIONS = 256;
const OUT = 'dist/offered-load';

const closedLoop = async (service: Service): Promise<number> => {
  const load = { server: service, port: service.commandPort, popularity: 'zipf' } as const;
  const settle = () => settled(service);
  await runCommands({ ...load, durationMs, settle }, 0);
  return (await runCommands({ ...load, durationMs, settle }, 1)).perSecond;
};

const offered = async (service: Service, perSecond: number, seed: number) => {
  const result = await steadyLoad({
    port: service.commandPort,
    perSecond,
    seconds: durationMs / 1000,
    animes: ANIMES,
    connections: CONNECTIONS,
    seed,
  });
  await settled(service);
  const taken = result.statuses[201] ?? 0;
  return { ...result, goodput: taken / result.seconds, refused: result.requests - taken };
};

type Offered = Awaited<ReturnType<typeof offered>>;

printHost();
const { maximum, rows } = await withService(async (service) => {
  await listAnimes(service, ANIMES.length);
  const maximum = await closedLoop(service);
  const found = new Map<number, Offered[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const percent of OFFERED) {
      const result = await offered(service, (maximum * percent) / 100, round + 2);
      found.set(percent, [...(found.get(percent) ?? []), result]);
    }
  }
  const rows = [...found].map(([percent, results]) => ({
    percent,
    offered: (maximum * percent) / 100,
    perSecond: median(results.map((result) => result.goodput)),
    refused: results.reduce((sum, { refused }) => sum + refused, 0),
    p50Ms: median(results.map((result) => result.p50Ms)),
    p99Ms: median(results.map((result) => result.p99Ms)),
  }));
  return { maximum, rows };
});

printTable(
  ['% of the maximum', 'offered/s', 'commands/s', 'refused', 'p50 ms', 'p99 ms'],
  rows.map((row) => [
    ...[row.percent, Math.round(row.offered), Math.round(row.perSecond), row.refused],
    ...[row.p50Ms, row.p99Ms],
  ]),
);

await mkdir(OUT, { recursive: true });
const draw = (
  file: string,
  title: string,
  names: readonly ('offered' | 'perSecond' | 'p50Ms' | 'p99Ms')[],
) =>
  writeFile(
    join(OUT, file),
    lineChart({
      title,
      xLabel: 'offered load, % of what a closed loop gets through',
      series: names.map((name) => ({
        name,
        points: rows.map((row) => [row.percent, row[name]] as const),
      })),
    }),
  );
await draw('throughput.svg', `Commands/s, Node ${process.version}`, ['offered', 'perSecond']);
await draw('latency.svg', `Latency in ms, Node ${process.version}`, ['p50Ms', 'p99Ms']);
printJson('offered-load', { quick, rounds, maximum, rows });
