import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createEmbeddedEventStore } from '../src/adapters/embedded/event-store.js';
import { createCommandHandler } from '../src/command-side/handling/handler.js';
import { openEventLog } from '../src/embedded-eventstore/log/open-event-log.js';
import { openProjectionEngine } from '../src/embedded-eventstore/projections/open.js';
import { silentLogger } from '../src/platform/observability/logger.js';
import { createMetrics } from '../src/platform/observability/metrics.js';
import { eventually } from '../test/support/eventually.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { benchArguments } from './support/arguments.js';
import { compiled } from './support/paths.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { sandboxSpeed } from './support/sandbox-speed.js';
import { seedLog } from './support/seed-log.js';
import { clickOn } from './support/write-side.js';

/** Projections on the embedded event store: their speed, their memory, and what they cost commands. */

const args = benchArguments();
const { quick } = args;
const INTERACTIONS = quick ? 5_000 : 200_000;
const ANIMES = quick ? 500 : 12_294;
const PARTITIONS = quick ? 5_000 : 100_000;
const PER_SECOND = 500;
const rounds = quick ? 1 : Math.min(args.rounds, 3);

const NAMES = [
  'global-totals',
  'anime-activity',
  'anime-rating-changes',
  'anime-rating-summary',
  'user-timeline',
];
const COUNTING = `fromCategory('anime').foreachStream().when({
  $init: () => ({ n: 0 }), $any: (s) => { s.n += 1; return s; } })`;

const reading = await readFile(compiled('../projections/reading.js'), 'utf8');
const textOf = async (name: string): Promise<string> =>
  `${await readFile(compiled(`../projections/${name}.js`), 'utf8')}\n${reading}`;

const directory = await temporaryDirectory();
const logger = silentLogger();
const log = await openEventLog({ directory: directory.path, logger });
const store = createEmbeddedEventStore(log);
// Only the projection's own speed is measured here, on whatever else the machine does.
const engine = await openProjectionEngine({ log, logger, executionTimeoutMs: 60_000 });

const megabytes = (): number => Math.round(process.memoryUsage.rss() / 1024 / 1024);
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const statisticsOf = (name: string) => {
  const found = engine.statistics().find((one) => one.name === name);
  if (found === undefined) throw new Error(`No projection ${name}.`);
  return found;
};

const caughtUp = (name: string): Promise<void> =>
  eventually(
    () => {
      const { status, progress, stateReason, readsInProgress, writesInProgress } =
        statisticsOf(name);
      if (status.startsWith('Faulted')) return;
      if (status !== 'Running' || progress < 100 || readsInProgress + writesInProgress > 0) {
        throw new Error(`${name} is ${status} at ${progress} %. ${stateReason}`);
      }
    },
    { withinMs: 30 * 60_000, everyMs: 20 },
  );

const runOnce = async (name: string, query: string) => {
  const before = { at: performance.now(), cpu: cpuSeconds(), memory: megabytes() };
  const text = { name, query, mode: 'continuous', emitEnabled: true } as const;
  await engine.create({ ...text, trackEmittedStreams: false });
  await caughtUp(name);
  const { status, stateReason, eventsProcessedAfterRestart: events } = statisticsOf(name);
  if (status !== 'Running') throw new Error(`${name} is ${status}: ${stateReason}`);
  const seconds = (performance.now() - before.at) / 1000;
  const cpu = cpuSeconds() - before.cpu;
  const megabytesMore = megabytes() - before.memory;
  return {
    name,
    events,
    seconds,
    perSecond: events / seconds,
    cpuMicros: (cpu * 1e6) / events,
    megabytesMore,
  };
};

printHost();
const sandboxes = await sandboxSpeed(COUNTING);
console.log(
  `Counting per second of processor time: ${sandboxes.webAssembly.toLocaleString('en')} events in ` +
    `WebAssembly, ${sandboxes.v8.toLocaleString('en')} in node:vm.`,
);
const seed = { seed: 1, popularity: 'zipf', animes: ANIMES, users: 2000 } as const;
await seedLog(store, { ...seed, interactions: INTERACTIONS });
await log.indexLinks();

const speeds = [await runOnce('counting', COUNTING)];
for (const name of NAMES) speeds.push(await runOnce(name, await textOf(name)));
printTable(
  ['projection', 'events', 'events/s', 'CPU us/event', 'MB more'],
  speeds.map(({ name, events, perSecond, cpuMicros, megabytesMore }) => [
    name,
    events,
    Math.round(perSecond),
    Math.round(cpuMicros),
    megabytesMore,
  ]),
);

const manyPartitions = async () => {
  await engine.disable('counting', true);
  const data = (n: number): Buffer => Buffer.from(JSON.stringify({ of: n }));
  for (let first = 0; first < PARTITIONS; first += 1000) {
    const events = Array.from({ length: 1000 }, (_, n) => ({
      id: randomUUID(),
      type: 'Named',
      data: data(first + n),
      metadata: Buffer.from('{}'),
      isJson: true,
    }));
    await log.append('partitions', 'any', events);
  }
  return runOnce(
    'partitions',
    `fromStream('partitions').partitionBy((e) => e.data.of).when({
      $init: () => ({ n: 0 }), Named: (s) => { s.n += 1; return s; } })`,
  );
};
const partitions = await manyPartitions();
console.log(
  `${PARTITIONS.toLocaleString('en')} partitions: ${partitions.megabytesMore} MB more, ` +
    `${Math.round(partitions.perSecond).toLocaleString('en')} events/s.`,
);

const metrics = createMetrics({ processMetrics: false });
const handler = createCommandHandler({ store, logger, metrics, newId: randomUUID });

/** Commands at a steady rate, each sent when it is due whether or not the last one was answered. */
const commands = async (): Promise<{ readonly p99: number; readonly cpu: number }> => {
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  const before = cpuSeconds();
  const startedAt = performance.now();
  for (let sent = 0; performance.now() - startedAt < args.durationMs; sent++) {
    const due = startedAt + (sent * 1000) / PER_SECOND;
    if (due > performance.now()) await delay(due - performance.now());
    const command = clickOn(1 + ((sent * 7919) % ANIMES), sent % 2000);
    pending.push(
      handler.handle(command, { correlationId: 'bench' }).then(({ kind }) => {
        if (kind !== 'accepted') throw new Error(`A command was answered ${kind}.`);
        latencies.push(performance.now() - due);
      }),
    );
  }
  await Promise.all(pending);
  latencies.sort((a, b) => a - b);
  const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? 0;
  return { p99, cpu: ((cpuSeconds() - before) * 1000) / latencies.length };
};

const beside = async (running: boolean) => {
  for (const name of NAMES) await (running ? engine.enable(name) : engine.disable(name, true));
  if (running) for (const name of NAMES) await caughtUp(name);
  return commands();
};
await commands();
const results = await interleaved(
  [
    { name: 'none', measure: () => beside(false) },
    { name: 'five', measure: () => beside(true) },
  ],
  { rounds },
);
const of = (name: string, key: 'p99' | 'cpu'): number[] =>
  (results.get(name) ?? []).map((result) => result[key]);
printTable(
  ['projections running', 'p99 ms', 'to none', 'CPU ms/command', 'to none'],
  ['none', 'five'].map((name) => [
    name,
    median(of(name, 'p99')),
    ratio(of(name, 'p99'), of('none', 'p99')).median,
    median(of(name, 'cpu')),
    ratio(of(name, 'cpu'), of('none', 'cpu')).median,
  ]),
);
printJson('projections', {
  sandboxes,
  speeds,
  partitions,
  p99Ratio: ratio(of('five', 'p99'), of('none', 'p99')),
  cpuRatio: ratio(of('five', 'cpu'), of('none', 'cpu')),
});

await handler.drain();
await engine.close();
await store.close();
await directory.remove();
