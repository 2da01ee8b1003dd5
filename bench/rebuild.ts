import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmbeddedEventStore } from '../src/adapters/embedded/event-store.js';
import { openEventLog } from '../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../src/platform/observability/logger.js';
import { foldLimit } from './limits/l3-fold.js';
import { benchArguments } from './support/arguments.js';
import { rebuildOnce } from './support/rebuild-once.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { seedLog } from './support/seed-log.js';

/** Events a second from the log into saved documents, beside reading and folding them alone (L3). */

const { quick, rounds } = benchArguments();
const INTERACTIONS = quick ? 10_000 : 200_000;

printHost();
const directory = await mkdtemp(join(tmpdir(), 'anime-analytics-bench-'));
const store = createEmbeddedEventStore(await openEventLog({ directory, logger: silentLogger() }));
try {
  const events = await seedLog(store, { seed: 1, popularity: 'zipf', interactions: INTERACTIONS });
  const contenders = [
    { name: 'L3', measure: () => Promise.resolve(foldLimit(join(directory, 'events.db'))) },
    { name: 'rebuild', measure: () => rebuildOnce(store) },
  ];
  for (const { measure } of contenders) await measure();
  const results = await interleaved(contenders, { rounds });
  const limits = results.get('L3') ?? [];
  const rows = [...results].map(([name, perSecond]) => ({
    name,
    perSecond: median(perSecond),
    toL3: ratio(perSecond, limits),
  }));
  printTable(
    [`${events.toLocaleString('en')} events`, 'events/s', 'x L3', 'lowest', 'highest'],
    rows.map(({ name, perSecond, toL3 }) => [
      name,
      Math.round(perSecond),
      ...[toL3.median, toL3.lowest, toL3.highest],
    ]),
  );
  printJson('rebuild', { quick, rounds, events, rows });
} finally {
  await store.close();
  await rm(directory, { recursive: true, force: true });
}
