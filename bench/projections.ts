import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createEmbeddedEventStore } from '../src/adapters/embedded/event-store.js';
import type { EventLog } from '../src/embedded-eventstore/log/event-log.js';
import { openEventLog } from '../src/embedded-eventstore/log/open-event-log.js';
import type { ProjectionEngine } from '../src/embedded-eventstore/projections/engine.js';
import { openProjectionEngine } from '../src/embedded-eventstore/projections/open.js';
import { silentLogger } from '../src/platform/observability/logger.js';
import { eventually } from '../test/support/eventually.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { benchArguments } from './support/arguments.js';
import { compiled } from './support/paths.js';
import { projectionsCost } from './support/projections-cost.js';
import { printHost, printJson, printTable } from './support/report.js';
import { sandboxSpeed } from './support/sandbox-speed.js';
import { seedLog } from './support/seed-log.js';

/**
 * Projections on the embedded event store: their speed, their memory, and what they cost commands. With --only one
 * of `speed` and `cost`; with --beside what they cost in another version, in the same rounds.
 */

const args = benchArguments();
const { quick, only, rounds, beside } = args;
const INTERACTIONS = quick ? 5_000 : 200_000;
const ANIMES = quick ? 500 : 12_294;
const PARTITIONS = quick ? 5_000 : 100_000;
/** What the services take in turns. */
const PER_SECOND = 500;
const LOAD_SECONDS = quick ? 2 : 12;
const LISTED = quick ? 100 : 1000;
if (only !== undefined && only !== 'speed' && only !== 'cost') {
  throw new Error('--only is one of speed, cost.');
}

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

const megabytes = (): number => Math.round(process.memoryUsage.rss() / 1024 / 1024);
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const statisticsOf = (engine: ProjectionEngine, name: string) => {
  const found = engine.statistics().find((one) => one.name === name);
  if (found === undefined) throw new Error(`No projection ${name}.`);
  return found;
};

const caughtUp = (engine: ProjectionEngine, name: string): Promise<void> =>
  eventually(
    () => {
      const { status, progress, stateReason, readsInProgress, writesInProgress } = statisticsOf(
        engine,
        name,
      );
      if (status.startsWith('Faulted')) return;
      if (status !== 'Running' || progress < 100 || readsInProgress + writesInProgress > 0) {
        throw new Error(`${name} is ${status} at ${progress} %. ${stateReason}`);
      }
    },
    { withinMs: 30 * 60_000, everyMs: 20 },
  );

const runOnce = async (engine: ProjectionEngine, name: string, query: string) => {
  const before = { at: performance.now(), cpu: cpuSeconds(), memory: megabytes() };
  const text = { name, query, mode: 'continuous', emitEnabled: true } as const;
  await engine.create({ ...text, trackEmittedStreams: false });
  await caughtUp(engine, name);
  const { status, stateReason, eventsProcessedAfterRestart: events } = statisticsOf(engine, name);
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

const manyPartitions = async (log: EventLog, engine: ProjectionEngine) => {
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
    engine,
    'partitions',
    `fromStream('partitions').partitionBy((e) => e.data.of).when({
      $init: () => ({ n: 0 }), Named: (s) => { s.n += 1; return s; } })`,
  );
};

const measureSpeeds = async () => {
  const sandboxes = await sandboxSpeed(COUNTING);
  console.log(
    `Counting per second of processor time: ${sandboxes.webAssembly.toLocaleString('en')} events in ` +
      `WebAssembly, ${sandboxes.v8.toLocaleString('en')} in node:vm.`,
  );
  const directory = await temporaryDirectory();
  const logger = silentLogger();
  const log = await openEventLog({ directory: directory.path, logger });
  const store = createEmbeddedEventStore(log);
  // Only the projection's own speed is measured here, on whatever else the machine does.
  const engine = await openProjectionEngine({ log, logger, executionTimeoutMs: 60_000 });
  try {
    const seed = { seed: 1, popularity: 'zipf', animes: ANIMES, users: 2000 } as const;
    await seedLog(store, { ...seed, interactions: INTERACTIONS });
    await log.indexLinks();

    const speeds = [await runOnce(engine, 'counting', COUNTING)];
    for (const name of NAMES) speeds.push(await runOnce(engine, name, await textOf(name)));
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

    const partitions = await manyPartitions(log, engine);
    console.log(
      `${PARTITIONS.toLocaleString('en')} partitions: ${partitions.megabytesMore} MB more, ` +
        `${Math.round(partitions.perSecond).toLocaleString('en')} events/s.`,
    );

    return { sandboxes, speeds, partitions };
  } finally {
    await engine.close();
    await store.close();
    await directory.remove();
  }
};

printHost();
const speeds = only === 'cost' ? {} : await measureSpeeds();
const costs =
  only === 'speed'
    ? []
    : await projectionsCost({
        projections: NAMES,
        animes: LISTED,
        perSecond: PER_SECOND,
        seconds: LOAD_SECONDS,
        rounds,
        beside,
      });
printJson('projections', { ...speeds, costs });
