import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createEmbeddedEventStore } from '../src/adapters/embedded/event-store.js';
import { openEventLog } from '../src/embedded-eventstore/log/open-event-log.js';
import { openProjectionEngine } from '../src/embedded-eventstore/projections/open.js';
import { silentLogger } from '../src/platform/observability/logger.js';
import { freePort } from '../test/support/free-port.js';
import { eventually } from '../test/support/eventually.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { benchArguments } from './support/arguments.js';
import { compiled } from './support/paths.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { sandboxSpeed } from './support/sandbox-speed.js';
import { seedLog } from './support/seed-log.js';
import { metricOf, scrape } from './support/scrape.js';
import { listAnimes, settled, withService, type Service } from './support/service.js';
import { steadyLoad } from './support/steady-load-process.js';

/** Projections on the embedded event store: their speed, their memory, and what they cost commands. */

const args = benchArguments();
const { quick } = args;
const INTERACTIONS = quick ? 5_000 : 200_000;
const ANIMES = quick ? 500 : 12_294;
const PARTITIONS = quick ? 5_000 : 100_000;
/** What both services take in turns. */
const PER_SECOND = 500;
const LOAD_SECONDS = quick ? 2 : 12;
const LISTED = quick ? 100 : 1000;
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

await engine.close();
await store.close();
await directory.remove();

/** Commands at a steady rate from another process. The next load begins once projections are done with this one. */
const underLoad = async (service: Service, isOn: boolean, round: number) => {
  const before = await service.cpuSeconds();
  const { statuses, requests, p50Ms, p99Ms } = await steadyLoad({
    port: service.commandPort,
    perSecond: PER_SECOND,
    seconds: LOAD_SECONDS,
    animes: Array.from({ length: LISTED }, (_, index) => index + 1),
    seed: round + 1,
  });
  await settled(service);
  const cpu = (((await service.cpuSeconds()) - before) * 1000) / requests;
  if (statuses[201] !== requests) {
    throw new Error(`Not every command was taken: ${JSON.stringify(statuses)}.`);
  }
  if (isOn) await projectionsCaughtUp(service);
  return { p50Ms, p99Ms, cpu };
};

const projectionsCaughtUp = ({ commandPort }: Service): Promise<void> =>
  eventually(
    async () => {
      const text = await scrape(`http://127.0.0.1:${commandPort}`);
      const running = text.match(
        /^anime_analytics_projection_state\{.*condition="running".*\} 1$/gm,
      );
      const lag = metricOf(text, 'anime_analytics_projection_lag_seconds');
      if ((running?.length ?? 0) < NAMES.length || lag > 0) {
        throw new Error('Projections are not running, or behind.');
      }
    },
    { withinMs: 60_000, everyMs: 100 },
  );

/** The service with and without projections, under the same load in turns. */
const measureCost = async () => {
  const [port, portOfOn] = await Promise.all([freePort(), freePort()]);
  return withService(
    (off) =>
      withService(
        async (on) => {
          for (const service of [off, on]) await listAnimes(service, LISTED);
          const contenders = [
            { name: 'off', measure: (round: number) => underLoad(off, false, round) },
            { name: 'on', measure: (round: number) => underLoad(on, true, round) },
          ];
          // The first round teaches the just-in-time compilers.
          for (const { measure } of contenders) await measure(-1);
          return interleaved(contenders, { rounds });
        },
        { EVENTSTORE_PORT: String(portOfOn), PROJECTIONS: 'on' },
      ),
    { EVENTSTORE_PORT: String(port) },
  );
};

const results = await measureCost();
const of = (name: string, key: 'p50Ms' | 'p99Ms' | 'cpu'): number[] =>
  (results.get(name) ?? []).map((result) => result[key]);
const toOff = (name: string, key: 'p50Ms' | 'p99Ms' | 'cpu') =>
  ratio(of(name, key), of('off', key));
printTable(
  ['PROJECTIONS', 'p50 ms', 'x off', 'p99 ms', 'x off', 'CPU ms a command', 'x off'],
  ['off', 'on'].map((name) => [
    name,
    ...[median(of(name, 'p50Ms')), toOff(name, 'p50Ms').median],
    ...[median(of(name, 'p99Ms')), toOff(name, 'p99Ms').median],
    ...[median(of(name, 'cpu')), toOff(name, 'cpu').median],
  ]),
);
printJson('projections', {
  sandboxes,
  speeds,
  partitions,
  p50: toOff('on', 'p50Ms'),
  p99: toOff('on', 'p99Ms'),
  cpu: toOff('on', 'cpu'),
});
