import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmbeddedEventStore } from '../src/adapters/embedded/event-store.js';
import { createEventStoreDbStore } from '../src/adapters/eventstoredb/event-store.js';
import { bytesOnDisk } from '../src/compose/data-directory.js';
import { startGrpcServer } from '../src/embedded-eventstore/grpc/server.js';
import type { EventLog } from '../src/embedded-eventstore/log/event-log.js';
import { openEventLog } from '../src/embedded-eventstore/log/open-event-log.js';
import { copyLog } from '../src/jobs/log-copy/copy-log.js';
import { lastCommitIn, logPages } from '../src/jobs/log-copy/copied-events.js';
import { serverTarget } from '../src/jobs/log-copy/server-target.js';
import { embeddedTarget, type LogTarget } from '../src/jobs/log-copy/target.js';
import { silentLogger } from '../src/platform/observability/logger.js';
import { benchArguments } from './support/arguments.js';
import { rebuildOnce } from './support/rebuild-once.js';
import { printHost, printJson, printTable } from './support/report.js';
import { seedLog } from './support/seed-log.js';

/** What an event takes on the disk, and how fast a log is copied and compared, beside reading it alone. */

const { quick } = benchArguments();
const INTERACTIONS = quick ? 10_000 : 100_000;

const { signal } = new AbortController();
const output = { print: () => undefined, report: () => undefined, progress: () => undefined };
const logger = silentLogger();

printHost();
const directory = await mkdtemp(join(tmpdir(), 'anime-analytics-bench-'));
const open = (name: string) => openEventLog({ directory: join(directory, name), logger });
const log = await open('source');
const source = createEmbeddedEventStore(log);

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
};

const readAlone = async (): Promise<void> => {
  const end = (await lastCommitIn(source)) ?? 0n;
  for await (const page of logPages(source, { end, signal })) if (page.length === 0) return;
};

const copyTo = async (target: LogTarget): Promise<void> => {
  const equal = await copyLog({ source, target, signal, output });
  if (!equal) throw new Error('The copy differs from its source.');
};

const toDirectory = async (): Promise<number> => {
  const copy = await open('directory');
  const seconds = await timed(() =>
    copyTo(embeddedTarget(copy, createEmbeddedEventStore(copy), signal)),
  );
  await copy.close();
  return seconds;
};

const toServer = async (): Promise<number> => {
  const copy: EventLog = await open('server');
  const server = await startGrpcServer({ log: copy, port: 0, logger });
  const connectionString = `esdb://127.0.0.1:${server.port}?tls=false`;
  const store = createEventStoreDbStore({ connectionString, logger });
  const seconds = await timed(() => copyTo(serverTarget(store, signal)));
  await store.close();
  await server.close();
  await copy.close();
  return seconds;
};

try {
  const events = await seedLog(source, { seed: 1, popularity: 'zipf', interactions: INTERACTIONS });
  const seconds = [
    { name: 'read alone', seconds: await timed(readAlone) },
    { name: 'to a directory', seconds: await toDirectory() },
    { name: 'to a server', seconds: await toServer() },
    { name: 'rebuild', seconds: events / (await rebuildOnce(source)) },
  ];
  const bytes = await bytesOnDisk(join(directory, 'directory'), /^events\.db/);
  const rows = seconds.map((row) => ({ name: row.name, perSecond: events / row.seconds }));
  printTable(
    [`${events.toLocaleString('en')} events`, 'events/s'],
    rows.map(({ name, perSecond }) => [name, Math.round(perSecond)]),
  );
  printTable(['on the disk', 'bytes an event'], [['events.db', Math.round(bytes / events)]]);
  printJson('copy-log', { quick, events, bytesPerEvent: bytes / events, rows });
} finally {
  await source.close();
  await rm(directory, { recursive: true, force: true });
}
