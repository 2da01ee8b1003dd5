import { openDeadLetters } from '../../src/adapters/embedded/dead-letters.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { openEmbeddedReadStore } from '../../src/adapters/embedded/read-store/open-read-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import { exampleDocuments } from '../../src/read-side/rebuild/example-documents.js';
import { deletableEventStore } from './stream-deletion.js';

/** The embedded event store, read store and dead letters of one data directory. */
export const openEmbedded = async (dataDir: string) => {
  const logger = silentLogger();
  const metrics = createMetrics({ processMetrics: false });
  const eventStore = deletableEventStore(await openEventLog({ directory: dataDir, logger }));
  const readStore = await openEmbeddedReadStore({ dataDir, logger, examples: exampleDocuments() });
  const deadLetters = await openDeadLetters({ dataDir });
  return {
    eventStore,
    readStore,
    deadLetters,
    logger,
    metrics,
    close: async () => {
      await eventStore.close();
      await readStore.close();
      await deadLetters.close();
    },
  };
};

export type Embedded = Awaited<ReturnType<typeof openEmbedded>>;
