import { randomUUID } from 'node:crypto';
import { embeddedEventStore } from '../src/adapters/embedded/log/event-store.js';
import { openEventLog } from '../src/adapters/embedded/log/open-event-log.js';
import { createCommandHandler } from '../src/command-side/handler.js';
import { importCatalog, type ListTitle } from '../src/import/catalog-import.js';
import type { ImportReport } from '../src/import/import-report.js';
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
  const run = async (list: ListTitle, onForm?: (description: string) => void) => {
    const source = publicCatalog(form, ROWS);
    const options = { source, list, now: Date.now, logger };
    return importCatalog(onForm === undefined ? options : { ...options, onForm });
  };
  try {
    const show = (description: string) => console.log(`${form.name}: ${description}\n`);
    const limit = await run(() => Promise.resolve('listed'), show);
    const first = await run(listThrough(handler, randomUUID()));
    const second = await run(listThrough(handler, randomUUID()));
    return { form: form.name, limit, first, second };
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
const seconds = ({ durationMs }: ImportReport): number => durationMs / 1000;
printTable(
  ['catalogue', 'rows', 'read alone, s', 'listed', 'rejected', 's', 'again: unchanged', 's'],
  results.map(({ form, limit, first, second }) => [
    ...[form, ROWS, seconds(limit)],
    ...[first.listed, first.rejected.total, seconds(first)],
    ...[second.unchanged, seconds(second)],
  ]),
);
printJson('import', {
  rows: ROWS,
  seconds: results.map(({ limit, first, second }) => [limit, first, second].map(seconds)),
});
