import { randomUUID } from 'node:crypto';
import { embeddedEventStore } from '../src/adapters/embedded/log/event-store.js';
import { openEventLog } from '../src/adapters/embedded/log/open-event-log.js';
import { createCommandHandler } from '../src/command-side/handler.js';
import { importCatalog, type ListTitle } from '../src/import/catalog-import.js';
import { listThrough } from '../src/import/listing.js';
import { silentLogger } from '../src/platform/logger.js';
import { createMetrics } from '../src/platform/metrics.js';
import {
  ANIME_2020,
  ANIME_DATASET_2023,
  ANIMES_WITH_LISTS,
  publicCatalog,
  type PublicCatalog,
} from '../test/support/public-catalogs.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { benchArguments } from './support/arguments.js';
import { printHost, printJson, printTable } from './support/report.js';

/**
 * How long a catalogue of three public forms takes: read alone (the limit), into an empty embedded
 * store, and into the same store once more.
 */

const { quick } = benchArguments();
const ROWS = quick ? 1_000 : 25_000;

const measure = async (form: PublicCatalog) => {
  const directory = await temporaryDirectory();
  const logger = silentLogger();
  const store = embeddedEventStore(await openEventLog({ directory: directory.path, logger }));
  const metrics = createMetrics({ processMetrics: false });
  const handler = createCommandHandler({ store, logger, metrics, newId: randomUUID });
  const run = async (list: ListTitle, onForm: (description: string) => void = () => undefined) => {
    const source = publicCatalog(form, ROWS);
    const options = { source, list, now: Date.now, logger, onForm };
    const before = process.cpuUsage();
    const report = await importCatalog(options);
    const { user, system } = process.cpuUsage(before);
    return { report, seconds: report.durationMs / 1000, cpuSeconds: (user + system) / 1e6 };
  };
  try {
    const show = (description: string) => console.log(`${form.name}: ${description}\n`);
    const limit = await run(() => Promise.resolve('listed'), show);
    const first = await run(listThrough(handler, randomUUID()));
    const second = await run(listThrough(handler, randomUUID()));
    return { form: form.name, 'read alone': limit, 'into an empty store': first, again: second };
  } finally {
    await handler.drain();
    await store.close();
    await directory.remove();
  }
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
printJson('import', {
  rows: ROWS,
  results: results.map(({ form, ...imports }) => ({
    form,
    seconds: Object.values(imports).map(({ seconds }) => seconds),
    cpuSeconds: Object.values(imports).map(({ cpuSeconds }) => cpuSeconds),
  })),
});
