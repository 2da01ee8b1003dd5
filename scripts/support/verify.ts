import { embeddedEventStore } from '../../src/adapters/embedded/log/event-store.js';
import { openEventLog } from '../../src/adapters/embedded/log/open-event-log.js';
import { openReadStore } from '../../src/adapters/embedded/read-store/open-read-store.js';
import { silentLogger } from '../../src/platform/logger.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { compareWithLog, type Comparison } from '../../src/read-side/fold-and-compare.js';

export interface Verification {
  readonly comparison: Comparison;
  readonly eventsInLog: number;
  readonly idsStoredTwice: number;
  readonly acknowledgedMissing: number;
}

/** Opens the data of a stopped service: are all acknowledged events there once, and do the documents equal a fold of the log? */
export const verify = async (
  dataDir: string,
  acknowledged: readonly string[],
): Promise<Verification> => {
  const logger = silentLogger();
  const store = embeddedEventStore(await openEventLog({ directory: dataDir, logger }));
  const readStore = await openReadStore({ dataDir, logger });
  try {
    const active = await readStore.active();
    if (active === null) throw new Error('There are no read models.');
    const documents = readStore.documents(active.name);
    const comparison = await compareWithLog({ eventStore: store, documents });
    const stored = await storedIds(store);
    return {
      comparison,
      eventsInLog: stored.total,
      idsStoredTwice: stored.total - stored.ids.size,
      acknowledgedMissing: acknowledged.filter((id) => !stored.ids.has(id)).length,
    };
  } finally {
    await readStore.close();
    await store.close();
  }
};

const storedIds = async (store: EventStore) => {
  const ids = new Set<string>();
  let total = 0;
  const { signal } = new AbortController();
  for await (const delivery of store.subscribeToAll({
    after: 'start',
    streamPrefix: 'anime-',
    signal,
  })) {
    if (delivery.kind === 'caught-up') break;
    if (delivery.kind !== 'event') continue;
    total += 1;
    ids.add(delivery.event.id);
  }
  return { ids, total };
};
