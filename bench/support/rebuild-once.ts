import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedReadStore } from '../../src/adapters/embedded/read-store/open-read-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import type { DeadLetters } from '../../src/ports/dead-letters.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { rebuild } from '../../src/read-side/rebuild/rebuild.js';
import { exampleDocuments } from '../../src/read-side/rebuild/example-documents.js';

const noDeadLetters: DeadLetters = {
  add: () => Promise.reject(new Error('The workload has no dead letters.')),
  list: () => Promise.resolve([]),
};

/** Computes all documents of a log into an empty read store. Answers events per second. */
export const rebuildOnce = async (eventStore: EventStore): Promise<number> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'anime-analytics-bench-'));
  const logger = silentLogger();
  const readStore = await openEmbeddedReadStore({ dataDir, logger, examples: exampleDocuments() });
  try {
    const { events, elapsedMs } = await rebuild({
      eventStore,
      readStore,
      deadLetters: noDeadLetters,
      logId: 'bench',
      version: 'bench',
      logger,
      metrics: createMetrics({ processMetrics: false }),
      compare: false,
    });
    return (events / elapsedMs) * 1000;
  } finally {
    await readStore.close();
    await rm(dataDir, { recursive: true, force: true });
  }
};
