import { randomUUID } from 'node:crypto';
import { embeddedEventStore } from '../src/adapters/embedded/log/event-store.js';
import { openEventLog } from '../src/adapters/embedded/log/open-event-log.js';
import { createCommandHandler } from '../src/command-side/handler.js';
import { importCatalog } from '../src/import/catalog-import.js';
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

/** How long a catalogue of three public forms takes into an empty embedded store, and once more. */

const { quick } = benchArguments();
const ROWS = quick ? 1_000 : 25_000;

const measure = async (form: PublicCatalog) => {
  const directory = await temporaryDirectory();
  const logger = silentLogger();
  const store = embeddedEventStore(await openEventLog({ directory: directory.path, logger }));
  const metrics = createMetrics({ processMetrics: false });
  const handler = createCommandHandler({ store, logger, metrics, newId: randomUUID });
  const run = (onForm: (description: string) => void) =>
    importCatalog({
      source: publicCatalog(form, ROWS),
      list: listThrough(handler, randomUUID()),
      now: Date.now,
      logger,
      onForm,
    });
  try {
    const first = await run((description) => console.log(`${form.name}: ${description}\n`));
    const second = await run(() => undefined);
    return { form: form.name, first, second };
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
  ['catalogue', 'rows listed', 'rejected', 'seconds', 'unchanged the second time', 'seconds'],
  results.map(({ form, first, second }) => [
    ...[form, first.listed, first.rejected.total, first.durationMs / 1000],
    ...[second.unchanged, second.durationMs / 1000],
  ]),
);
printJson('import', {
  rows: ROWS,
  seconds: results.map(({ first, second }) => [first.durationMs / 1000, second.durationMs / 1000]),
});
