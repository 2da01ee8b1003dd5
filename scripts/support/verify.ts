import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { openEmbeddedReadStore } from '../../src/adapters/embedded/read-store/open-read-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import {
  compareWithLog,
  type CompareOptions,
  type Comparison,
} from '../../src/read-side/audit/compare.js';
import { storedOnce, type StoredOnce } from './stored-once.js';
import { exampleDocuments } from '../../src/read-side/rebuild/example-documents.js';

export interface Verification extends StoredOnce {
  readonly comparison: Comparison;
}

/** Opens the data of a stopped service: are all acknowledged events there once, and do the documents equal a fold of the log? */
export const verify = async (
  dataDir: string,
  acknowledged: readonly string[],
  onProgress: CompareOptions['onProgress'] = () => undefined,
): Promise<Verification> => {
  const logger = silentLogger();
  const store = createEmbeddedEventStore(await openEventLog({ directory: dataDir, logger }));
  const readStore = await openEmbeddedReadStore({ dataDir, logger, examples: exampleDocuments() });
  try {
    const active = await readStore.active();
    if (active === null) throw new Error('There are no read models.');
    const documents = readStore.documents(active.name);
    const comparison = await compareWithLog({ eventStore: store, documents, onProgress });
    return { comparison, ...(await storedOnce(store, acknowledged)) };
  } finally {
    await readStore.close();
    await store.close();
  }
};
