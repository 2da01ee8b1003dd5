import { join } from 'node:path';
import type { Role } from '../cli.js';
import type { MetricsPart } from '../platform/observability/metrics.js';
import type { EventStore } from '../ports/event-store.js';
import { eventStorePage } from './elsewhere.js';
import {
  openCommandPort,
  openQueryPort,
  serveCommands,
  serveProbes,
  serveQueries,
  type OpenPort,
  type ServeNeeds,
} from './apis.js';
import { openBridge, topicOf } from './bridge.js';
import { isKafka, openBus } from './bus.js';
import { openCommandHandler } from './commands.js';
import { bytesOnDisk } from './data-directory.js';
import { openEventStore } from './event-store.js';
import { importFile, isEmptyStore, type ImportOptions } from './import-job.js';
import { openJobServer } from './job-server.js';
import { perform } from './store-jobs.js';
import { openProjectors } from './projectors.js';
import { openHeartbeat } from './heartbeat.js';
import { watchReadModels } from './read-models-health.js';
import { BY_COMMAND, openReadSide, openReadStore, type ReadSide } from './read-side.js';
import { isMongodb } from './read-store.js';
import { identifyLog, versionsOf, whenEventStore } from './versions.js';
import { watchProjections } from './watch-projections.js';
import { allOrNone } from './when-available.js';

interface StartNeeds extends ServeNeeds {
  readonly signal: AbortSignal;
  /** Imported first where the event store holds no anime. */
  readonly sampleCatalog: string | undefined;
  /** Told of that import. */
  readonly output: ImportOptions['output'];
}

/** Opens everything that a role runs, in the order in which it depends on each other. */
export type StartRole = (needs: StartNeeds) => Promise<void>;

const openLog = async (needs: StartNeeds): Promise<EventStore> => {
  const { config, metrics, addresses } = needs;
  if (config.eventStore.url === '') {
    metrics.followEventLog(() => bytesOnDisk(config.dataDir, /^events\.db/));
  }
  const { store, address, pageUrl, projections } = await openEventStore(
    needs,
    eventStorePage(needs),
  );
  if (projections !== undefined && config.eventStore.watchProjections) {
    await watchProjections(needs, projections);
  }
  addresses.eventStore = address;
  if (pageUrl !== undefined) addresses.eventStorePage = pageUrl;
  return store;
};

const startCommands = async (
  needs: StartNeeds,
  port: OpenPort,
  { store, metricsOf }: { store: EventStore; metricsOf: readonly MetricsPart[] },
): Promise<void> => {
  const { logger, signal, sampleCatalog: file, output } = needs;
  const handler = await openCommandHandler(needs, store);
  if (file !== undefined && (await isEmptyStore(store, signal))) {
    await importFile({ handler, logger, file, signal, output });
  }
  await serveCommands(needs, port, { handler, store, metricsOf });
};

const startAll: StartRole = async (needs) => {
  const { config, metrics, addresses } = needs;
  // Each series is on one of the two ports, so that a sum over both counts it once.
  const ofCommands = ['process', 'command-api', 'bridge', 'projector'] as const;
  const ofQueries = ['query-api'] as const;
  const store = await openLog(needs);
  const commandPort = await openCommandPort(needs, ofCommands);
  const queryPort = await openQueryPort(needs, ofQueries);
  addresses.commands = commandPort.url;
  addresses.queries = queryPort.url;
  if (!isMongodb(config)) {
    metrics.followReadModels(() => bytesOnDisk(join(config.dataDir, 'read-models'), /\.db/));
  }
  const readSide = await openReadSide(needs, store);
  await startCommands(needs, commandPort, { store, metricsOf: ofCommands });
  const { readStore } = readSide;
  await serveQueries(needs, queryPort, { readStore, readSide, metricsOf: ofQueries });
  await takeJobs(needs, store, readSide);
};

/** Jobs of the command line are done here while this process has DATA_DIR. */
const takeJobs = async (
  needs: StartNeeds,
  eventStore: EventStore,
  { readStore, deadLetters, projectors }: ReadSide,
): Promise<void> => {
  const { config, logger, life } = needs;
  if (config.eventStore.url !== '' && isMongodb(config) && isKafka(config)) return;
  const { feeding } = projectors;
  const stores = {
    eventStore,
    readStore,
    feeding,
    deadLetters: () => Promise.resolve(deadLetters),
  };
  try {
    await life.open(
      'jobs',
      () =>
        openJobServer({
          ...{ config, logger },
          perform: (job, signal, output) => perform(job, { ...needs, signal }, stores, output),
        }),
      (server) => server.close(),
    );
  } catch (error) {
    logger.warn('Jobs of the command line cannot be taken: they need the service stopped', {
      error,
    });
  }
};

const startCommandApi: StartRole = async (needs) => {
  const metricsOf = ['process', 'command-api'] as const;
  const store = await openLog(needs);
  const port = await openCommandPort(needs, metricsOf);
  needs.addresses.commands = port.url;
  // Whether the store holds any anime is seen in the log of all streams.
  const ask = () => (needs.sampleCatalog === undefined ? store.ping() : store.pingAll());
  await whenEventStore(needs, ask);
  needs.servers?.connected('event-store', () => store.ping());
  await startCommands(needs, port, { store, metricsOf });
};

/** Its probes are up first: waiting for a server is part of its life. */
const startBridge: StartRole = async (needs) => {
  const { url } = await serveProbes(needs, 'BRIDGE_PORT', needs.config.bridgePort, [
    'process',
    'bridge',
  ]);
  needs.addresses.probes = url;
  const eventStore = await openLog(needs);
  const [logId, opened] = await allOrNone(needs, (each) => [
    identifyLog(each, eventStore),
    openBus(each),
  ]);
  await openBridge(needs, { ...opened, eventStore, logId }, topicOf(needs.config));
};

const startProjector: StartRole = async (needs) => {
  const { url } = await serveProbes(needs, 'PROJECTOR_PORT', needs.config.projectorPort, [
    'process',
    'projector',
  ]);
  needs.addresses.probes = url;
  const eventStore = await openLog(needs);
  const [logId, opened, readStore] = await allOrNone(needs, (each) => [
    identifyLog(each, eventStore),
    openBus(each),
    openReadStore(each),
  ]);
  const versions = await versionsOf(needs, { readStore, logId });
  const { fed } = await openProjectors(needs, {
    ...opened,
    ...{ eventStore, readStore, logId, versions },
  });
  await openHeartbeat(needs, { readStore, fed });
};

const startQueryApi: StartRole = async (needs) => {
  const metricsOf = ['process', 'query-api'] as const;
  const port = await openQueryPort(needs, metricsOf);
  needs.addresses.queries = port.url;
  const readStore = await openReadStore(needs);
  watchReadModels(needs, { readStore, feeds: () => false, remedy: () => BY_COMMAND });
  await serveQueries(needs, port, { readStore, readSide: null, metricsOf });
};

export const START: Readonly<Record<Role, StartRole>> = {
  all: startAll,
  'command-api': startCommandApi,
  bridge: startBridge,
  projector: startProjector,
  'query-api': startQueryApi,
};
