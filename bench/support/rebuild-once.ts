import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openReadStore } from '../../src/adapters/embedded/read-store.js';
import type { AnimeId } from '../../src/domain/ids.js';
import { ANIME_STREAM_PREFIX } from '../../src/domain/stream-name.js';
import { silentLogger } from '../../src/platform/logger.js';
import { createMetrics } from '../../src/platform/metrics.js';
import type { DeadLetters } from '../../src/ports/dead-letters.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { createApplier, type Pending } from '../../src/read-side/applier.js';
import type { Claim } from '../../src/read-side/judge.js';
import { fromRecorded } from '../../src/wire/stream-event.js';

const LOG_ID = 'bench';
const BATCH = 5000;
const STEPS = { heartbeat: () => Promise.resolve(), signal: new AbortController().signal };

const noDeadLetters: DeadLetters = {
  add: () => Promise.reject(new Error('The workload has no dead letters.')),
  list: () => Promise.resolve([]),
};

/** Computes all documents of a log into an empty read store. Answers events per second. */
export const rebuildOnce = async (eventStore: EventStore): Promise<number> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'anime-analytics-bench-'));
  const logger = silentLogger();
  const readStore = await openReadStore({ dataDir, logger });
  try {
    await readStore.createVersion('bench', LOG_ID);
    const applier = createApplier({
      documents: readStore.documents('bench'),
      eventStore,
      deadLetters: noDeadLetters,
      logId: LOG_ID,
      logger,
      metrics: createMetrics({ processMetrics: false }),
      startsEmpty: true,
      cacheSize: { animes: 10_000, interactions: 1_000_000, days: 100_000 },
    });
    const startedAt = performance.now();
    const events = await applyAll(eventStore, applier.apply);
    return (events / (performance.now() - startedAt)) * 1000;
  } finally {
    await readStore.close();
    await rm(dataDir, { recursive: true, force: true });
  }
};

const applyAll = async (
  eventStore: EventStore,
  apply: (pending: Pending, steps: typeof STEPS) => Promise<void>,
): Promise<number> => {
  let events = 0;
  let batched = 0;
  let batch = new Map<AnimeId, Claim[]>();
  const { signal } = new AbortController();
  const options = { after: 'start', streamPrefix: ANIME_STREAM_PREFIX, signal } as const;
  for await (const delivery of eventStore.subscribeToAll(options)) {
    if (delivery.kind === 'caught-up') break;
    if (delivery.kind !== 'event') continue;
    const reading = fromRecorded(delivery.event, LOG_ID);
    if (reading.kind !== 'event') throw new Error(reading.reason);
    const { event } = reading;
    const claims = batch.get(event.animeId);
    if (claims === undefined) batch.set(event.animeId, [{ revision: event.revision, event }]);
    else claims.push({ revision: event.revision, event });
    events += 1;
    batched += 1;
    if (batched < BATCH) continue;
    await apply(batch, STEPS);
    batch = new Map();
    batched = 0;
  }
  await apply(batch, STEPS);
  return events;
};
