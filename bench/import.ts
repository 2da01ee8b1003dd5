import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEmbeddedEventStore } from '../src/adapters/embedded/event-store.js';
import { openEventLog } from '../src/embedded-eventstore/log/open-event-log.js';
import { createEventStoreDbStore } from '../src/adapters/eventstoredb/event-store.js';
import { createCommandHandler } from '../src/command-side/handling/handler.js';
import { importCatalog, listThrough, type ListTitle } from '../src/import/catalog-import.js';
import { openServiceListing } from '../src/jobs/import-client.js';
import { loadConfig } from '../src/platform/config/config.js';
import { silentLogger, type Logger } from '../src/platform/observability/logger.js';
import { createMetrics } from '../src/platform/observability/metrics.js';
import type { EventStore } from '../src/ports/event-store.js';
import { freePort } from '../test/support/free-port.js';
import {
  ANIME_2020,
  ANIME_DATASET_2023,
  ANIMES_WITH_LISTS,
  publicCatalog,
  type PublicCatalog,
} from '../test/support/public-catalogs.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { benchArguments } from './support/arguments.js';
import { watchClientSessions } from './support/client-sessions.js';
import { printHost, printJson, printTable } from './support/report.js';
import { median, ratio } from './support/rounds.js';
import { settled, withService, type Service } from './support/service.js';

/**
 * How long a catalogue of three public forms takes: read alone (the limit), into an empty embedded
 * store, and into the same store once more. Then one of them beside a running service, through its
 * socket for jobs, as `import-catalog` does, and through the port of its event store, against the same
 * without a service.
 */

const { quick, rounds } = benchArguments();
const ROWS = quick ? 1_000 : 25_000;

interface Import {
  readonly form: PublicCatalog;
  readonly list: ListTitle;
  readonly logger?: Logger;
  readonly onForm?: (description: string) => void;
}

const run = async ({ form, list, logger = silentLogger(), onForm = () => undefined }: Import) => {
  const source = publicCatalog(form, ROWS);
  const before = process.cpuUsage();
  const report = await importCatalog({ source, list, now: Date.now, logger, onForm });
  const { user, system } = process.cpuUsage(before);
  return { report, seconds: report.durationMs / 1000, cpuSeconds: (user + system) / 1e6 };
};

/** Hands out titles to a store as a job does, and closes it. */
const withList = async <T>(
  { store, logger = silentLogger() }: { readonly store: EventStore; readonly logger?: Logger },
  use: (list: ListTitle) => Promise<T>,
): Promise<T> => {
  const metrics = createMetrics({ processMetrics: false });
  const handler = createCommandHandler({ store, logger, metrics, newId: randomUUID });
  try {
    return await use(listThrough(handler, randomUUID()));
  } finally {
    await handler.drain();
    await store.close();
  }
};

const intoEmptyDirectory = async (form: PublicCatalog) => {
  const directory = await temporaryDirectory();
  try {
    const log = await openEventLog({ directory: directory.path, logger: silentLogger() });
    return await withList({ store: createEmbeddedEventStore(log) }, async (list) => ({
      first: await run({ form, list }),
      again: await run({ form, list }),
    }));
  } finally {
    await directory.remove();
  }
};

const measure = async (form: PublicCatalog) => {
  const onForm = (description: string) => console.log(`${form.name}: ${description}\n`);
  const limit = await run({ form, list: () => Promise.resolve('listed'), onForm });
  const { first, again } = await intoEmptyDirectory(form);
  return { form: form.name, 'read alone': limit, 'into an empty store': first, again };
};

/** Counts what goes over the wire: a read, a look at the head or an append is a call each. */
const countingCalls = (store: EventStore) => {
  const calls = { count: 0 };
  const counted: EventStore = {
    ...store,
    append: (...args) => ((calls.count += 1), store.append(...args)),
    head: (...args) => ((calls.count += 1), store.head(...args)),
    read: (...args) => ((calls.count += 1), store.read(...args)),
  };
  return { calls, counted };
};

const countingWarnings = () => {
  const warnings = { count: 0 };
  const warn = () => void (warnings.count += 1);
  const logger: Logger = { ...silentLogger(), warn, error: warn, child: () => logger };
  return { warnings, logger };
};

/** A way to hand titles to a running service. */
interface Way {
  readonly list: ListTitle;
  readonly logger: Logger;
  /** Calls of the event store port so far. */
  readonly calls: () => number;
}
type OpenWay = <T>(service: Service, use: (way: Way) => Promise<T>) => Promise<T>;

/** As `import-catalog` does. */
const throughSocket: OpenWay = async ({ dataDir }, use) => {
  const owner = JSON.parse(await readFile(join(dataDir, 'owner.json'), 'utf8')) as { jobs: string };
  const config = loadConfig({ NODE_ENV: 'test', DATA_DIR: dataDir });
  const { list, close } = await openServiceListing(owner.jobs, config);
  try {
    return await use({ list, logger: silentLogger(), calls: () => 0 });
  } finally {
    await close();
  }
};

const besideService = async (form: PublicCatalog) => {
  const port = await freePort();
  const sessions = watchClientSessions();
  const { warnings, logger } = countingWarnings();
  const throughPort: OpenWay = (_, use) => {
    const connectionString = `esdb://127.0.0.1:${port}?tls=false`;
    const { calls, counted } = countingCalls(createEventStoreDbStore({ connectionString, logger }));
    return withList({ store: counted, logger }, (list) =>
      use({ list, logger, calls: () => calls.count }),
    );
  };
  const importTwice = (open: OpenWay) =>
    withService(
      (service) =>
        open(service, async (way) => ({
          first: await importOnce(service, form, way),
          again: await importOnce(service, form, way),
        })),
      { EVENTSTORE_PORT: String(port) },
    );
  const bySocket = await importTwice(throughSocket);
  const byPort = await importTwice(throughPort);
  sessions.stop();
  if (sessions.counts.opened === 0) throw new Error('No HTTP/2 session was seen at all.');
  return { bySocket, byPort, sessionsLost: sessions.counts.lost, warnings: warnings.count };
};

const importOnce = async (service: Service, form: PublicCatalog, way: Way) => {
  const { list, logger } = way;
  const [callsBefore, cpuBefore] = [way.calls(), await service.cpuSeconds()];
  const done = await run({ form, list, logger });
  const importedAt = performance.now();
  await settled(service);
  const settledSeconds = (performance.now() - importedAt) / 1000;
  const serviceCpuSeconds = (await service.cpuSeconds()) - cpuBefore;
  return { ...done, calls: way.calls() - callsBefore, serviceCpuSeconds, settledSeconds };
};

printHost();
const results = [];
for (const form of [ANIME_DATASET_2023, ANIME_2020, ANIMES_WITH_LISTS]) {
  results.push(await measure(form));
}
printTable(
  ['catalogue', 'import', 'listed', 'unchanged', 'rejected', 'seconds', 'CPU seconds'],
  results.flatMap(({ form, ...imports }) =>
    Object.entries(imports).map(([name, { report, seconds, cpuSeconds }]) => [
      ...[form, name, report.listed, report.unchanged, report.rejected.total],
      ...[seconds, cpuSeconds],
    ]),
  ),
);

interface Pair {
  readonly alone: Awaited<ReturnType<typeof intoEmptyDirectory>>;
  readonly beside: Awaited<ReturnType<typeof besideService>>;
}
const pairs: Pair[] = [];
for (let round = 0; round < rounds; round += 1) {
  const alone = await intoEmptyDirectory(ANIME_DATASET_2023);
  pairs.push({ alone, beside: await besideService(ANIME_DATASET_2023) });
}
const middle = (of: (pair: Pair) => number): number => median(pairs.map(of));
type WayName = 'bySocket' | 'byPort';
const perTitle = (way: WayName, kind: 'first' | 'again') => ({
  seconds: middle(({ beside }) => beside[way][kind].seconds),
  aloneSeconds: middle(({ alone }) => alone[kind].seconds),
  timesAlone: ratio(
    pairs.map(({ beside }) => beside[way][kind].seconds),
    pairs.map(({ alone }) => alone[kind].seconds),
  ),
  aloneCpuMs: middle(({ alone }) => (alone[kind].cpuSeconds / ROWS) * 1000),
  cpuMs: middle(({ beside }) => (beside[way][kind].cpuSeconds / ROWS) * 1000),
  serviceCpuMs: middle(({ beside }) => (beside[way][kind].serviceCpuSeconds / ROWS) * 1000),
  calls: middle(({ beside }) => beside[way][kind].calls / ROWS),
  settledSeconds: middle(({ beside }) => beside[way][kind].settledSeconds),
});
const both = (way: WayName) => ({
  new: perTitle(way, 'first'),
  again: perTitle(way, 'again'),
});
const beside = { 'through its socket': both('bySocket'), 'through its port': both('byPort') };
const sum = (of: (pair: Pair) => number) => pairs.reduce((total, pair) => total + of(pair), 0);
const sessionsLost = sum((pair) => pair.beside.sessionsLost);
const warnings = sum((pair) => pair.beside.warnings);
console.log(`\nBeside a running service, ${rounds} rounds of ${ROWS} titles:\n`);
printTable(
  [
    ...['way', 'titles', 'seconds', '× without service', 'CPU ms a title without'],
    ...['CPU ms a title', 'of the service', 'calls a title', 'until documents show it'],
  ],
  Object.entries(beside).flatMap(([way, kinds]) =>
    Object.entries(kinds).map(([name, of]) => [
      ...[way, name, of.seconds, of.timesAlone.median, of.aloneCpuMs],
      ...[of.cpuMs, of.serviceCpuMs, of.calls, of.settledSeconds],
    ]),
  ),
);
console.log(`\nHTTP/2 sessions lost: ${sessionsLost}; warnings: ${warnings}.\n`);
printJson('import', {
  rows: ROWS,
  results: results.map(({ form, ...imports }) => ({
    form,
    seconds: Object.values(imports).map(({ seconds }) => seconds),
    cpuSeconds: Object.values(imports).map(({ cpuSeconds }) => cpuSeconds),
  })),
  beside: { rounds, sessionsLost, warnings, ...beside },
});
