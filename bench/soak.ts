import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openConnection, type Answer } from './support/http-connection.js';
import { runLoad } from './support/http-load.js';
import { commandRequest, graphqlRequest } from './support/http-request.js';
import { lineChart } from './support/line-chart.js';
import { sampleMemory, type MemorySample } from './support/memory-sample.js';
import { printHost, printJson, printTable } from './support/report.js';
import { listAnimes, settled, startService, type Service } from './support/service.js';
import { steadiness } from './support/steadiness.js';
import { createWorkload } from './support/workload.js';

/**
 * Whether the memory of a service that runs on and on stays where it is: the service in a process of
 * its own, as `npm start` runs it, under a steady load of commands and queries. With --check it exits
 * 1 where resident memory or the heap moved further than allowed after the first tenth of the time.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    /** Commands a second. */
    rate: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    /** Seconds between two samples. */
    every: { type: 'string', default: '5' },
    /** Minutes after which the service is killed and started again, over and over. */
    'kill-every': { type: 'string' },
    /** Where memory.csv and memory.svg go. */
    out: { type: 'string', default: 'dist/soak' },
    check: { type: 'boolean', default: false },
    /** Options of Node for the service, to try some. */
    'node-options': { type: 'string', default: '' },
  },
});
const durationMs = Number(values.minutes) * 60_000;
const everyMs = Number(values.every) * 1000;
const rate = Number(values.rate);
const lifeMs = Number(values['kill-every'] ?? Infinity) * 60_000;
const nodeArgs = values['node-options'].split(' ').filter((option) => option !== '');
const csvFile = join(values.out, 'memory.csv');
const chartFile = join(values.out, 'memory.svg');

/** Queries beside each command. */
const QUERIES = 0.05;
/** What --check allows the memory to gain over the measured time, as a part of the median. */
const MAX_DRIFT = 0.05;
/** And its whole range: of the heap, half may be garbage that is not collected yet. */
const MAX_SPREAD: Partial<Record<keyof MemorySample, number>> = { rss: 0.25, heapTotal: 0.5 };

const STATS = 'animeId totalClicks totalViews totalRatings averageRating';
const QUERY_TEXTS = [
  `query One($animeId: Int!) { animeStats(animeId: $animeId) { ${STATS} } }`,
  `query Top($limit: Int!) { topAnimesByViews(limit: $limit) { ${STATS} } }`,
  `query Rated($limit: Int!) { topAnimesByRating(limit: $limit) { ${STATS} } }`,
];

const createQueries = (seed: number): (() => Buffer) => {
  const workload = createWorkload({ seed, popularity: 'zipf' });
  let asked = 0;
  return () => {
    const text = QUERY_TEXTS[asked++ % QUERY_TEXTS.length] ?? '';
    const variables = text.includes('$limit') ? { limit: 10 } : { animeId: workload().animeId };
    return graphqlRequest(text, variables);
  };
};

const commands = createWorkload({ seed: Number(values.seed), popularity: 'zipf' });
const queries = createQueries(Number(values.seed) + 1);
const answers: Record<string, number> = {};
const samples: MemorySample[] = [];
let startedAt = performance.now();
const elapsedMs = () => performance.now() - startedAt;

const count = ({ status, body }: Answer): void => {
  const kind = body.includes('"errors"') ? 'a query failed' : String(status);
  answers[kind] = (answers[kind] ?? 0) + 1;
};

const lagOf = async ({ queryPort }: Service): Promise<number> => {
  const connection = await openConnection(queryPort);
  try {
    const { body } = await connection.send(graphqlRequest('{ serviceInfo { lagEvents } }'));
    return Number(/"lagEvents":(\d+)/.exec(body)?.[1] ?? Number.NaN);
  } finally {
    connection.close();
  }
};

const csvLine = (cells: readonly (string | number)[]) => appendFile(csvFile, `${cells.join()}\n`);

const takeSample = async (service: Service): Promise<void> => {
  const lagEvents = await lagOf(service);
  const { pid, commandPort } = service;
  const url = `http://127.0.0.1:${commandPort}`;
  const sample = await sampleMemory({ pid, url }, elapsedMs() / 1000, lagEvents);
  if (samples.length === 0) await csvLine(Object.keys(sample));
  samples.push(sample);
  await csvLine(Object.values(sample).map((value: number) => Number(value.toFixed(1))));
};

const sampleUntil = async (service: Service, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    await takeSample(service);
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
  }
};

/** Load and samples until `untilMs`; with `kill` the service is killed in the middle of its load. */
const live = async (service: Service, untilMs: number, kill: boolean): Promise<void> => {
  const { commandPort, queryPort } = service;
  const leftMs = untilMs - elapsedMs();
  const load = { durationMs: kill ? leftMs + 10_000 : leftMs, onAnswer: count };
  const over = new AbortController();
  const sampling = sampleUntil(service, over.signal);
  const loads = Promise.all([
    runLoad({
      ...{ ...load, port: commandPort, perSecond: rate },
      next: () => commandRequest(commands()),
    }),
    runLoad({
      ...{ ...load, port: queryPort, perSecond: rate * QUERIES, connections: 4 },
      next: queries,
    }),
  ]);
  await Promise.race(kill ? [loads, sampling, delay(leftMs)] : [loads, sampling]);
  over.abort();
  await sampling;
  if (kill) {
    await service.kill();
    await loads.catch(() => undefined);
  }
};

const soak = async (dataDir: string): Promise<void> => {
  let service = await startService(dataDir, {}, { nodeArgs });
  try {
    await listAnimes(service);
    await settled(service);
    startedAt = performance.now();
    for (let untilMs = lifeMs; untilMs < durationMs; untilMs += lifeMs) {
      await live(service, untilMs, true);
      service = await startService(dataDir, {}, { nodeArgs });
    }
    await live(service, durationMs, false);
  } finally {
    await service.stop();
  }
};

const writeChart = async (): Promise<void> => {
  const title = `Memory in MB at ${rate} commands/s, Node ${process.version}`;
  const series = (['rss', 'heapTotal', 'heapUsed', 'external'] as const).map((name) => ({
    name,
    points: samples.map((sample) => [sample.seconds / 60, sample[name]] as const),
  }));
  await writeFile(chartFile, lineChart({ title, xLabel: 'minutes', series }));
};

const judge = () => {
  const measured = samples.filter(({ seconds }) => seconds * 1000 >= durationMs / 10);
  const names = [
    'rss',
    'heapTotal',
    'heapUsed',
    'external',
    'arrayBuffers',
    'descriptors',
  ] as const;
  return names.map((name) => ({
    name,
    ...steadiness(measured.map((sample) => [sample.seconds / 3600, sample[name]] as const)),
  }));
};

printHost();
await mkdir(values.out, { recursive: true });
await rm(csvFile, { force: true });
const directory = await mkdtemp(join(tmpdir(), 'anime-analytics-soak-'));
try {
  await soak(directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
await writeChart();

const found = judge();
printTable(
  ['after the first tenth', 'median', 'lowest', 'highest', 'range', 'drift', 'an hour'],
  found.map(({ name, median, lowest, highest, spread, drift, slope }) => [
    name,
    ...[median, lowest, highest, spread, drift, slope],
  ]),
);
console.log(
  'MB, but for descriptors. Range: highest less lowest, and drift: what the line through all samples ' +
    'gains, both as parts of the median. An hour: what that line gains in one.',
);
const lag = Math.max(...samples.map(({ lagEvents }) => lagEvents));
console.log(`Answers ${JSON.stringify(answers)}, the highest lag ${lag} events. See ${chartFile}.`);
printJson('soak', { minutes: Number(values.minutes), rate, nodeArgs, found, answers, lag });

const moved = found.filter(({ name, spread, drift }) => {
  const allowed = MAX_SPREAD[name];
  return allowed !== undefined && (Math.abs(drift) > MAX_DRIFT || spread > allowed);
});
if (values.check && moved.length > 0) {
  console.log(`Not steady: ${moved.map(({ name }) => name).join(', ')}.`);
  process.exitCode = 1;
}
