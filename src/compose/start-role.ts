import { join } from 'node:path';
import type { Role } from '../cli.js';
import type { MetricsPart } from '../platform/metrics.js';
import type { EventStore } from '../ports/event-store.js';
import { eventStorePage } from './elsewhere.js';
import { serveCommands, serveProbes, serveQueries, type ServeNeeds } from './apis.js';
import { openBridge, topicOf } from './bridge.js';
import { openBus } from './bus.js';
import { openCommandHandler } from './commands.js';
import { bytesOnDisk } from './data-directory.js';
import { openEventStore } from './event-store.js';
import { importFile, isEmptyStore } from './import-job.js';
import { openProjectors } from './projectors.js';
import { openHeartbeat } from './heartbeat.js';
import { watchReadModels } from './read-models-health.js';
import { BY_COMMAND, openReadSide, openReadStore } from './read-side.js';
import { isMongodb } from './read-store.js';
import { identifyLog, versionsOf } from './versions.js';

export interface StartNeeds extends ServeNeeds {
  readonly signal: AbortSignal;
  /** Imported first where the event store holds no anime. */
  readonly sampleCatalog: string | undefined;
}

/** Opens everything that a role runs, in the order in which it depends on each other. */
export type StartRole = (needs: StartNeeds) => Promise<void>;

const openLog = async (needs: StartNeeds): Promise<EventStore> => {
  const { config, health, metrics, addresses } = needs;
  const { store, address, pageUrl } = await openEventStore(needs, eventStorePage(needs));
  health.register('event-store', () => store.ping());
  if (config.eventStore.url === '') {
    metrics.followEventLog(() => bytesOnDisk(config.dataDir, /^events\.db/));
  }
  addresses.eventStore = address;
  if (pageUrl !== undefined) addresses.eventStorePage = pageUrl;
  return store;
};

const startCommands = async (
  needs: StartNeeds,
  store: EventStore,
  metricsOf: readonly MetricsPart[],
): Promise<void> => {
  const { logger, signal, sampleCatalog: file } = needs;
  const handler = await openCommandHandler(needs, store);
  if (file !== undefined && (await isEmptyStore(store, signal))) {
    await importFile({ handler, logger, file, signal });
  }
  needs.addresses.commands = (await serveCommands(needs, { handler, store, metricsOf })).url;
};

const startAll: StartRole = async (needs) => {
  const store = await openLog(needs);
  const readSide = await openReadSide(needs, store);
  const { readStore } = readSide;
  const { config, metrics } = needs;
  if (!isMongodb(config)) {
    metrics.followReadModels(() => bytesOnDisk(join(config.dataDir, 'read-models'), /\.db/));
  }
  // Each series is on one of the two ports, so that a sum over both counts it once.
  await startCommands(needs, store, ['process', 'command-api', 'bridge', 'projector']);
  const { url } = await serveQueries(needs, {
    readStore,
    readSide,
    metricsOf: ['query-api'],
  });
  needs.addresses.queries = url;
};

const startCommandApi: StartRole = async (needs) => {
  await startCommands(needs, await openLog(needs), ['process', 'command-api']);
};

/** Its probes are up first: waiting for a server is part of its life. */
const startBridge: StartRole = async (needs) => {
  const { url } = await serveProbes(needs, 'BRIDGE_PORT', needs.config.bridgePort, [
    'process',
    'bridge',
  ]);
  needs.addresses.probes = url;
  const eventStore = await openLog(needs);
  const logId = await identifyLog(needs, eventStore);
  const opened = await openBus(needs);
  needs.health.register('kafka', () => opened.bus.ping());
  await openBridge(needs, { ...opened, eventStore, logId }, topicOf(needs.config));
};

const startProjector: StartRole = async (needs) => {
  const { url } = await serveProbes(needs, 'PROJECTOR_PORT', needs.config.projectorPort, [
    'process',
    'projector',
  ]);
  needs.addresses.probes = url;
  const eventStore = await openLog(needs);
  const logId = await identifyLog(needs, eventStore);
  const readStore = await openReadStore(needs);
  const versions = await versionsOf(needs, { readStore, logId });
  const opened = await openBus(needs);
  needs.health.register('kafka', () => opened.bus.ping());
  const { fed } = await openProjectors(needs, {
    ...opened,
    ...{ eventStore, readStore, logId, versions },
  });
  await openHeartbeat(needs, { readStore, fed });
};

const startQueryApi: StartRole = async (needs) => {
  const readStore = await openReadStore(needs);
  watchReadModels(needs, { readStore, feeds: () => false, remedy: () => BY_COMMAND });
  const { url } = await serveQueries(needs, {
    readStore,
    readSide: null,
    metricsOf: ['process', 'query-api'],
  });
  needs.addresses.queries = url;
};

export const START: Readonly<Record<Role, StartRole>> = {
  all: startAll,
  'command-api': startCommandApi,
  bridge: startBridge,
  projector: startProjector,
  'query-api': startQueryApi,
};
