import type { Bridge } from '../bridge/bridge.js';
import type { FlushedPosition } from '../bridge/checkpoint.js';
import type { Config } from '../platform/config/config.js';
import type { DeadLetters } from '../ports/dead-letters.js';
import type { EventBus } from '../ports/event-bus.js';
import type { EventStore, Position } from '../ports/event-store.js';
import type { DocumentStore, ReadStore } from '../ports/read-store.js';
import { type BridgeTarget, openBridge, topicOf } from './bridge.js';
import { isKafka, openBus } from './bus.js';
import { ownDataDirectory } from './data-directory.js';
import { openHeartbeat, watchReadModels } from './read-models-health.js';
import type { Dependencies } from './dependencies.js';
import { openProjectors, type Projectors } from './projectors.js';
import { isMongodb, openReadModels } from './read-store.js';
import { activateOwn, identifyLog, versionsOf } from './versions.js';
import { allOrNone } from './when-available.js';

/**
 * Where the bus keeps no records, the bridge resumes from the version that is furthest behind: from the
 * beginning where one version is empty.
 */
export const lowestFlushed = (
  stores: () => readonly Pick<DocumentStore, 'flushed' | 'setFlushed'>[],
): FlushedPosition => ({
  load: async () => {
    const flushed = await Promise.all(stores().map((store) => store.flushed()));
    return flushed.reduce(lower);
  },
  save: async (position) => {
    await Promise.all(stores().map((store) => store.setFlushed(position)));
  },
});

const lower = (a: Position | null, b: Position | null): Position | null =>
  a === null || b === null ? null : a.commit < b.commit ? a : b;

export interface ReadSide {
  readonly readStore: ReadStore;
  readonly bridge: Bridge;
  readonly projectors: Projectors;
  readonly deadLetters: DeadLetters;
  readonly bus: EventBus;
  readonly eventStore: EventStore;
}

type ReadSideDependencies = Dependencies & { readonly signal: AbortSignal };

/** Opens the way from the log to the documents: bus, read store, projectors and bridge. */
export const openReadSide = async (
  dependencies: ReadSideDependencies,
  eventStore: EventStore,
): Promise<ReadSide> => {
  await ownDataDirectory(dependencies);
  const [logId, opened, readStore] = await allOrNone(dependencies, (each) => [
    identifyLog(each, eventStore),
    openBus(each),
    openReadModels(each),
  ]);
  const versions = await versionsOf(dependencies, { readStore, logId });
  const parts = { ...opened, eventStore, readStore, logId, versions };
  const projectors = await openProjectors(dependencies, parts);
  const documents = () => projectors.whole().map((name) => readStore.documents(name));
  const target = opened.keeps
    ? topicOf(dependencies.config)
    : await documentsTarget(dependencies, readStore, lowestFlushed(documents));
  const bridge = await openBridge(dependencies, parts, target);
  // On a bus that keeps nothing, only the process whose bridge leads updates its versions. A process
  // without rivals is that one even before its bridge has started.
  const publishes = () => opened.keeps || target.alone || bridge.status().role === 'leading';
  const fed = () => (publishes() ? projectors.fed() : []);
  await openHeartbeat(dependencies, { readStore, fed });
  const caughtUp = () => {
    const { caughtUp: reached, waitingEvents } = bridge.status();
    return !opened.keeps && reached && waitingEvents === 0;
  };
  const remedy = isShared(dependencies.config)
    ? () => BY_COMMAND
    : (await activateOwn(dependencies, { readStore, eventStore, own: versions, caughtUp }))
        .progress;
  const feeds = (version: string) => fed().includes(version);
  watchReadModels(dependencies, { readStore, feeds, remedy });
  const { bus, deadLetters } = opened;
  return { readStore, bridge, projectors, deadLetters, bus, eventStore };
};

/**
 * The in-process bus publishes into the documents of this release in one read store. No other process
 * can do so where this one owns the documents or the log.
 */
const documentsTarget = async (
  { config }: Dependencies,
  readStore: ReadStore,
  flushed: FlushedPosition,
): Promise<BridgeTarget> => {
  return {
    name: `${await readStore.identity()}-${readStore.fingerprint}`,
    formerName: 'main',
    alone: !isMongodb(config) || config.eventStore.url === '',
    flushed,
  };
};

/** Other processes may serve and update the active version, so that people decide when to replace it. */
const isShared = (config: Config): boolean => isKafka(config) && isMongodb(config);

export const BY_COMMAND =
  'Start a projector of this release, then run anime-analytics rebuild and rebuild promote; or go ' +
  'back to the release of the active version.';
