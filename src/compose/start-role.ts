import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { CommandHandler } from '../command-side/handling/handler.js';
import { openPeerServer } from '../command-side/peers/peer-server.js';
import {
  connectPeers,
  createSharingHandler,
  type PeerAddress,
} from '../command-side/peers/peers.js';
import { listenError } from '../platform/config/system-errors.js';
import type { MetricsPart } from '../platform/observability/metrics.js';
import type { EventStore } from '../ports/event-store.js';
import type { EraseUser } from '../ports/user-protection.js';
import type { WithProjections } from '../ports/projections.js';
import { eventStorePage } from './addresses.js';
import {
  openCommandPort,
  openQueryPort,
  serveCommands,
  serveProbes,
  serveQueries,
  type OpenPort,
} from './apis.js';
import { openBridge, topicOf } from './bridge.js';
import type { ServeDependencies } from './dependencies.js';
import { isKafka, openBus } from './bus.js';
import { openCommandHandler, openEventStore, openServer } from './write-side.js';
import { bytesOnDisk } from './data-directory.js';
import { openProjectors } from './projectors.js';
import { openHeartbeat, watchReadModels } from './read-models-health.js';
import { BY_COMMAND, openReadSide, type ReadSide } from './read-side.js';
import { isMongodb, openReadModels } from './read-store.js';
import { type Role, showsEvents } from './roles.js';
import type { Stores } from './stores.js';
import { identifyLog, versionsOf, whenEventStore } from './versions.js';
import { openUsers, openUsersOfDocuments } from './user-protection.js';
import { watchProjections } from './projections.js';
import { allOrNone } from './when-available.js';

/** What a service is given by the command line's jobs; compose itself imports none of them. */
export interface ServiceJobs {
  /** Imports a sample where the event store holds no anime; absent where none is wanted. */
  readonly importSample?: ((target: SampleTarget) => Promise<void>) | undefined;
  /** Takes jobs of other processes, for as long as this one owns the stores. */
  readonly openJobServer: (
    dependencies: ServeDependencies & { readonly signal: AbortSignal },
    target: JobTarget,
  ) => Promise<{ readonly close: () => Promise<void> }>;
}

interface SampleTarget {
  readonly store: OpenedLog;
  readonly handler: CommandHandler;
}

interface JobTarget {
  readonly stores: Stores;
  readonly handler: CommandHandler;
}

interface StartDependencies extends ServeDependencies {
  readonly signal: AbortSignal;
  readonly jobs: ServiceJobs;
}

/** Opens everything that a role runs, each part after those that it depends on. */
export type StartRole = (dependencies: StartDependencies) => Promise<void>;

/** The handler, or one that shares commands with the command APIs that PEERS names. */
const openSharingHandler = async (
  { config, logger, lifecycle, metrics }: ServeDependencies,
  local: CommandHandler,
): Promise<CommandHandler> => {
  const { addresses, key, port } = config.peers;
  if (addresses.length === 0) return local;
  const id = randomUUID();
  const { host } = config;
  return lifecycle.open(
    'peers',
    async () => {
      const server = await openPeerServer({ host, port, id, key, handler: local, logger }).catch(
        listenError('PEER_PORT', port),
      );
      const peers = connectPeers({
        id,
        key,
        addresses: addresses.map(peerAddress),
        logger,
        metrics,
      });
      return createSharingHandler({ local, peers, server, metrics });
    },
    (opened) => opened.drain(),
  );
};

const peerAddress = (address: string): PeerAddress => {
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
};

type OpenedLog = EventStore & Partial<WithProjections>;

const openServedLog = async (dependencies: StartDependencies): Promise<OpenedLog> => {
  const { config, metrics, addresses, role } = dependencies;
  if (config.eventStore.url === '') {
    metrics.followEventLog(() => bytesOnDisk(config.dataDir, /^events\.db/));
  }
  const { store, address, pageUrl, projections } = await openEventStore(
    dependencies,
    eventStorePage(dependencies),
  );
  const isOn = config.projections === 'on';
  if (projections !== undefined && (isOn || config.eventStore.watchProjections)) {
    await watchProjections(dependencies, projections, { deploys: isOn && role === 'all' });
  }
  addresses.eventStore = address;
  if (pageUrl !== undefined) addresses.eventStorePage = pageUrl;
  return projections === undefined ? store : { ...store, projections };
};

const startCommands = async (
  dependencies: StartDependencies,
  port: OpenPort,
  { store, metricsOf }: { store: EventStore; metricsOf: readonly MetricsPart[] },
): Promise<{ readonly handler: CommandHandler; readonly eraseUser: EraseUser | null }> => {
  const users = await openUsers(dependencies, store);
  const handler = await openCommandHandler(dependencies, store, users?.protection);
  await dependencies.jobs.importSample?.({ store, handler });
  const sharing = await openSharingHandler(dependencies, handler);
  const eraseUser = users?.eraseUser ?? null;
  await serveCommands(dependencies, port, { handler: sharing, store, eraseUser, metricsOf });
  return { handler: sharing, eraseUser };
};

const startAll: StartRole = async (dependencies) => {
  const { config, metrics, addresses } = dependencies;
  // Each series is on one of the two ports, so that a sum over both counts it once.
  const ofCommands = ['process', 'command-api', 'bridge', 'projector'] as const;
  const ofQueries = ['query-api'] as const;
  const store = await openServedLog(dependencies);
  const commandPort = await openCommandPort(dependencies, ofCommands);
  const queryPort = await openQueryPort(dependencies, ofQueries);
  addresses.commands = commandPort.url;
  addresses.queries = queryPort.url;
  if (!isMongodb(config)) {
    metrics.followReadModels(() => bytesOnDisk(join(config.dataDir, 'read-models'), /\.db/));
  }
  const readSide = await openReadSide(dependencies, store);
  const { handler, eraseUser } = await startCommands(dependencies, commandPort, {
    store,
    metricsOf: ofCommands,
  });
  const { readStore } = readSide;
  await serveQueries(dependencies, queryPort, {
    readStore,
    usersOf: await openUsersOfDocuments(dependencies),
    readSide,
    eventStore: store,
    metricsOf: ofQueries,
  });
  await takeJobs(dependencies, { store, handler, readSide, eraseUser });
};

/** While this process owns DATA_DIR, it runs the jobs of the command line. */
const takeJobs = async (
  dependencies: StartDependencies,
  {
    store,
    handler,
    readSide,
    eraseUser,
  }: SampleTarget & { readonly readSide: ReadSide; readonly eraseUser: EraseUser | null },
): Promise<void> => {
  const { config, logger, lifecycle, jobs } = dependencies;
  const { readStore, deadLetters, projectors } = readSide;
  if (config.eventStore.url !== '' && isMongodb(config) && isKafka(config)) return;
  const stores: Stores = {
    eventStore: store,
    readStore,
    projectorControl: projectors.control,
    deadLetters: () => Promise.resolve(deadLetters),
    eraseUser: () => Promise.resolve(eraseUser),
  };
  try {
    await lifecycle.open(
      'jobs',
      () => jobs.openJobServer(dependencies, { stores, handler }),
      (server) => server.close(),
    );
  } catch (error) {
    logger.warn('Job socket could not be opened: jobs of the command line need a stopped service', {
      error,
    });
  }
};

const startCommandApi: StartRole = async (dependencies) => {
  const metricsOf = ['process', 'command-api'] as const;
  const store = await openServedLog(dependencies);
  const port = await openCommandPort(dependencies, metricsOf);
  dependencies.addresses.commands = port.url;
  // Whether the store holds any anime is seen in the log of all streams.
  const ask = () => (dependencies.jobs.importSample === undefined ? store.ping() : store.pingAll());
  await whenEventStore(dependencies, ask);
  dependencies.servers?.connected('event-store', () => store.ping());
  await startCommands(dependencies, port, { store, metricsOf });
};

/** Serves probes first, because it may have to wait for a server. */
const startBridge: StartRole = async (dependencies) => {
  const { url } = await serveProbes(dependencies, 'BRIDGE_PORT', dependencies.config.bridgePort, [
    'process',
    'bridge',
  ]);
  dependencies.addresses.probes = url;
  const eventStore = await openServedLog(dependencies);
  const [logId, opened] = await allOrNone(dependencies, (each) => [
    identifyLog(each, eventStore),
    openBus(each),
  ]);
  await openBridge(dependencies, { ...opened, eventStore, logId }, topicOf(dependencies.config));
};

const startProjector: StartRole = async (dependencies) => {
  const { url } = await serveProbes(
    dependencies,
    'PROJECTOR_PORT',
    dependencies.config.projectorPort,
    ['process', 'projector'],
  );
  dependencies.addresses.probes = url;
  const eventStore = await openServedLog(dependencies);
  const [logId, opened, readStore] = await allOrNone(dependencies, (each) => [
    identifyLog(each, eventStore),
    openBus(each),
    openReadModels(each),
  ]);
  const versions = await versionsOf(dependencies, { readStore, logId });
  const { fed } = await openProjectors(dependencies, {
    ...opened,
    eventStore,
    readStore,
    logId,
    versions,
  });
  await openHeartbeat(dependencies, { readStore, fed });
};

/** Only for queries that show events: all others need no event store, so none is waited for. */
const eventStoreOfQueries = async (dependencies: StartDependencies): Promise<OpenedLog | null> => {
  const { config } = dependencies;
  if (config.eventStore.url === '' || !showsEvents(config)) return null;
  const { store } = await openServer(dependencies);
  dependencies.servers?.connected('event-store', () => store.ping());
  return store;
};

const startQueryApi: StartRole = async (dependencies) => {
  const metricsOf = ['process', 'query-api'] as const;
  const port = await openQueryPort(dependencies, metricsOf);
  dependencies.addresses.queries = port.url;
  const readStore = await openReadModels(dependencies);
  watchReadModels(dependencies, { readStore, feeds: () => false, remedy: () => BY_COMMAND });
  const eventStore = await eventStoreOfQueries(dependencies);
  await serveQueries(dependencies, port, {
    readStore,
    usersOf: await openUsersOfDocuments(dependencies),
    readSide: null,
    eventStore,
    metricsOf,
  });
};

export const START: Readonly<Record<Role, StartRole>> = {
  all: startAll,
  'command-api': startCommandApi,
  bridge: startBridge,
  projector: startProjector,
  'query-api': startQueryApi,
};
