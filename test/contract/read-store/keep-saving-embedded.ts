import { openEmbeddedReadStore } from '../../../src/adapters/embedded/read-store/open-read-store.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { keepSaving } from './keep-saving.js';
import { exampleDocuments } from '../../../src/read-side/rebuild/example-documents.js';

/** Saves until it is killed, and reports each round. */
const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('Say in which directory to save.');
const store = await openEmbeddedReadStore({
  dataDir,
  logger: silentLogger(),
  examples: exampleDocuments(),
});
await keepSaving(store, (revision) => process.stdout.write(`${revision}\n`));
