import type { Bridge } from '../bridge/bridge.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore } from '../ports/read-store.js';
import { openBridge } from './bridge.js';
import { openBus } from './bus.js';
import { ownDataDirectory } from './data-directory.js';
import { lowestFlushed } from './lowest-flushed.js';
import type { Needs } from './needs.js';
import { openProjectors, type Projectors } from './projectors.js';
import { openReadStoreOf } from './read-store.js';
import { identifyLog, versionsOf } from './versions.js';

export interface ReadSide {
  readonly readStore: ReadStore;
  readonly bridge: Bridge;
  readonly projectors: Projectors;
}

type ReadSideNeeds = Needs & { readonly signal: AbortSignal };

/** From the log to documents in one process: the bus, the read store, the projectors and the bridge. */
export const openReadSide = async (
  needs: ReadSideNeeds,
  eventStore: EventStore,
): Promise<ReadSide> => {
  await ownDataDirectory(needs);
  const logId = await identifyLog(needs, eventStore);
  const opened = await openBus(needs);
  if (opened.keeps) needs.health.register('kafka', () => opened.bus.ping());
  const readStore = await openReadStore(needs);
  const versions = await versionsOf(needs, { readStore, logId });
  const parts = { ...opened, eventStore, readStore, logId, versions };
  const projectors = await openProjectors(needs, parts);
  const documents = versions.map(({ name }) => readStore.documents(name));
  const flushed = opened.keeps ? {} : { flushed: lowestFlushed(documents) };
  const bridge = await openBridge(needs, { ...parts, ...flushed });
  return { readStore, bridge, projectors };
};

/** The read store, with its place among the dependencies. */
export const openReadStore = async (needs: ReadSideNeeds): Promise<ReadStore> => {
  const readStore = await openReadStoreOf(needs);
  needs.health.register('read-store', () => readStore.ping());
  return readStore;
};
