import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createEmbeddedEventStore } from '../src/adapters/embedded/event-store.js';
import { openEventLog } from '../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../src/platform/observability/logger.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { rebuildOnce } from './support/rebuild-once.js';
import { printHost, printJson, printTable } from './support/report.js';
import { seedLog, type SeedOptions } from './support/seed-log.js';
import { settled, startService, type Service } from './support/service.js';

/** What a log costs as it grows: disk, a rebuild, and the restart of a service that has it. */

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** Interactions on 1,000 anime of 100,000 users. */
    events: { type: 'string', default: '100000,1000000' },
    /** Anime that are listed, and one interaction each. */
    animes: { type: 'string', default: '1000,100000,1000000' },
    /** Users of 200,000 interactions on 1,000 anime. */
    users: { type: 'string', default: '1000,1000000' },
    restarts: { type: 'string', default: '3' },
  },
});
const numbers = (text: string) => (text === '' ? [] : text.split(',').map(Number));
const restarts = values.quick ? 1 : Number(values.restarts);

interface Size {
  readonly animes: number;
  readonly interactions: number;
  readonly users: number;
}

const ANIMES = 1_000;
const USERS = 100_000;
const INTERACTIONS_OF_USERS = 200_000;
const sizes: readonly Size[] = values.quick
  ? [{ animes: 100, interactions: 2_000, users: USERS }]
  : [
      ...numbers(values.events).map((interactions) => ({
        animes: ANIMES,
        interactions,
        users: USERS,
      })),
      ...numbers(values.animes).map((animes) => ({ animes, interactions: animes, users: USERS })),
      ...numbers(values.users).map((users) => ({
        animes: ANIMES,
        interactions: INTERACTIONS_OF_USERS,
        users,
      })),
    ];

const megabytesIn = async (directory: string): Promise<number> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const lengths = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  );
  return lengths.reduce((sum, each) => sum + each, 0) / 2 ** 20;
};

const seeded = async (directory: string, size: Size) => {
  const store = createEmbeddedEventStore(await openEventLog({ directory, logger: silentLogger() }));
  try {
    const seed: SeedOptions = { seed: 1, popularity: 'zipf', ...size };
    const events = await seedLog(store, seed);
    return { events, rebuildPerSecond: await rebuildOnce(store) };
  } finally {
    await store.close();
  }
};

/** A service on the directory while it is used. */
const using = async <T>(directory: string, use: (service: Service) => Promise<T>): Promise<T> => {
  const service = await startService(directory);
  try {
    return await use(service);
  } finally {
    await service.stop();
  }
};

const measure = async (size: Size) => {
  const directory = await temporaryDirectory();
  try {
    const { events, rebuildPerSecond } = await seeded(directory.path, size);
    const logMegabytes = await megabytesIn(directory.path);
    await using(directory.path, settled);
    let readyMs = Infinity;
    let readyCpu = Infinity;
    let megabytes = 0;
    for (let restart = 0; restart < restarts; restart += 1) {
      const startedAt = performance.now();
      await using(directory.path, async (service) => {
        readyMs = Math.min(readyMs, performance.now() - startedAt);
        readyCpu = Math.min(readyCpu, await service.cpuSeconds());
        megabytes = await service.peakMegabytes();
      });
    }
    const documentsMegabytes = (await megabytesIn(directory.path)) - logMegabytes;
    return {
      ...size,
      events,
      logMegabytes,
      documentsMegabytes,
      rebuildPerSecond,
      readyMs,
      readyCpu,
      megabytes,
    };
  } finally {
    await rm(directory.path, { recursive: true, force: true });
  }
};

printHost();
const rows = [];
for (const size of sizes) rows.push(await measure(size));
printTable(
  [
    'anime',
    'users',
    'events',
    'log MB',
    'bytes an event',
    'documents MB',
    'rebuilt events/s',
    'ready after ms',
    'CPU s of it',
    'memory MB',
  ],
  rows.map((row) => [
    ...[row.animes, row.users, row.events, Math.round(row.logMegabytes)],
    Math.round((row.logMegabytes * 2 ** 20) / row.events),
    ...[Math.round(row.documentsMegabytes), Math.round(row.rebuildPerSecond)],
    ...[Math.round(row.readyMs), row.readyCpu, Math.round(row.megabytes)],
  ]),
);
console.log(
  'Ready: from the start of the process until it serves, the fastest restart. Memory: the highest until then.',
);
printJson('log-size', { restarts, rows });
