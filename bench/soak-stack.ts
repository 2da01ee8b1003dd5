import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { withNativeStack, type NativeStack } from '../scripts/support/native-stack.js';
import { sampleAnimeIds } from '../scripts/support/sample-ids.js';
import { PARTS, type Part } from '../test/support/stack/compose-parts.js';
import { runLoad } from './support/http-load.js';
import { commandRequest, graphqlRequest } from './support/http-request.js';
import { lineChart } from './support/line-chart.js';
import { sampleMemory, type MemorySample } from './support/memory-sample.js';
import { printHost, printJson, printTable } from './support/report.js';
import { metricOf, scrape } from './support/scrape.js';
import { steadiness } from './support/steadiness.js';
import { createWorkload } from './support/workload.js';

/**
 * Whether the memory of the four roles stays where it is under a steady load, each in a process of its
 * own on Kafka, a MongoDB server and an event store behind its protocol.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    /** Commands a second. */
    rate: { type: 'string', default: '300' },
    /** Seconds between two samples. */
    every: { type: 'string', default: '5' },
    out: { type: 'string', default: 'dist/soak-stack' },
  },
});
const durationMs = Number(values.minutes) * 60_000;
const rate = Number(values.rate);
/** Queries beside each command. */
const QUERIES = 0.05;
const TOP = graphqlRequest('{ topAnimesByViews(limit: 10) { animeId totalViews } }');

const samples: Readonly<Record<Part, MemorySample[]>> = {
  'command-api': [],
  bridge: [],
  projector: [],
  'query-api': [],
};

const sampleAll = async (stack: NativeStack, seconds: number): Promise<void> => {
  for (const part of PARTS) {
    const { pid, healthUrl, commandUrl, queryUrl } = stack.process(part);
    // An API has no port for its health alone.
    const url = [healthUrl, commandUrl, queryUrl].find((address) => address !== '') ?? '';
    const text = await scrape(url);
    const lag =
      metricOf(text, 'anime_analytics_bridge_waiting_events') +
      metricOf(text, 'anime_analytics_projector_waiting_records');
    const sample = await sampleMemory({ pid, url }, seconds, lag);
    samples[part].push(sample);
    const cells = Object.values(sample).map((value: number) => Number(value.toFixed(1)));
    await appendFile(join(values.out, 'memory.csv'), `${[part, ...cells].join()}\n`);
  }
};

const soak = async (stack: NativeStack): Promise<void> => {
  await stack.start();
  const imported = await stack.job('import-catalog', 'data/sample-catalog.csv');
  if (imported.code !== 0) throw new Error('The catalogue was not imported.');
  const ids = await sampleAnimeIds();
  const workload = createWorkload({ seed: 1, popularity: 'zipf', animes: ids.length });
  const next = () => {
    const interaction = workload();
    return commandRequest({ ...interaction, animeId: ids[interaction.animeId - 1] ?? 1 });
  };
  const portOf = (url: string) => Number(new URL(url).port);
  const startedAt = performance.now();
  const over = new AbortController();
  const { signal } = over;
  const sampling = async (): Promise<void> => {
    while (!signal.aborted) {
      await sampleAll(stack, (performance.now() - startedAt) / 1000);
      await delay(Number(values.every) * 1000, undefined, { signal }).catch(() => undefined);
    }
  };
  const [load] = await Promise.all([
    runLoad({ port: portOf(stack.commandUrl()), next, perSecond: rate, durationMs }),
    runLoad({
      ...{ port: portOf(stack.queryUrl()), next: () => TOP, connections: 4 },
      ...{ perSecond: rate * QUERIES, durationMs },
    }).finally(() => over.abort()),
    sampling(),
  ]);
  console.log(
    `Commands answered ${JSON.stringify(load.statuses)}, p99 ${load.p99Ms.toFixed(0)} ms.`,
  );
  const hasFailures = Object.keys(load.statuses).some((status) => Number(status) >= 500);
  if (hasFailures) console.log(lastLinesOf(stack.process('command-api').output()));
};

const LINES = 20;
const lastLinesOf = (log: string): string => log.trimEnd().split('\n').slice(-LINES).join('\n');

printHost();
await mkdir(values.out, { recursive: true });
await rm(join(values.out, 'memory.csv'), { force: true });
// Warnings say why a command failed.
await withNativeStack(soak, { LOG_LEVEL: 'warn' });

const rows = PARTS.map((part) => {
  const measured = samples[part].filter(({ seconds }) => seconds * 1000 >= durationMs / 6);
  const of = (name: 'rss' | 'heapTotal') =>
    steadiness(measured.map((sample) => [sample.seconds / 3600, sample[name]] as const));
  const lag = Math.max(0, ...samples[part].map(({ lagEvents }) => lagEvents));
  return { part, rss: of('rss'), heap: of('heapTotal'), lag };
});
await writeFile(
  join(values.out, 'memory.svg'),
  lineChart({
    title: `Resident memory in MB at ${rate} commands/s, Node ${process.version}`,
    xLabel: 'minutes',
    series: PARTS.map((name) => ({
      name,
      points: samples[name].map(({ seconds, rss }) => [seconds / 60, rss] as const),
    })),
  }),
);
printTable(
  ['after a sixth', 'RSS MB', 'lowest', 'highest', 'drift', 'heap MB', 'drift', 'highest lag'],
  rows.map(({ part, rss, heap, lag }) => [
    part,
    ...[Math.round(rss.median), Math.round(rss.lowest), Math.round(rss.highest), rss.drift],
    ...[Math.round(heap.median), heap.drift, lag],
  ]),
);
printJson('soak-stack', { minutes: Number(values.minutes), rate, rows });
