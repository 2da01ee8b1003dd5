import type { RequestListener } from 'node:http';
import { createEmbeddedEventStore } from '../adapters/embedded/event-store.js';
import { announceOwner } from '../embedded-eventstore/lock.js';
import { openEventLog } from '../embedded-eventstore/log/open-event-log.js';
import { directoryError, listenError } from '../platform/config/system-errors.js';
import type { EventStore } from '../ports/event-store.js';
import type { Projections, WithProjections } from '../ports/projections.js';
import { dataDirError, prepareDataDirectory } from './data-directory.js';
import type { Dependencies } from './dependencies.js';

export type StoreDependencies = Pick<Dependencies, 'config' | 'logger' | 'lifecycle'>;

type DataLog = Awaited<ReturnType<typeof openEventLog>>;

export interface OpenedEventStore {
  readonly store: EventStore;
  /** The connection string for clients, without credentials; null where no port is open. */
  readonly address: string | null;
  /** The page for browsers. */
  readonly pageUrl?: string;
  /** Absent where no port is open; a server may have its engine turned off. */
  readonly projections?: Projections;
}

export const localAddress = (port: number): string => `esdb://127.0.0.1:${port}?tls=false`;

/** The embedded event store of DATA_DIR, whose port answers browsers with `page`. */
export const openEmbeddedNode = async (
  dependencies: StoreDependencies,
  page: RequestListener,
): Promise<OpenedEventStore> => {
  const { dataDir, eventStore } = dependencies.config;
  prepareDataDirectory(dataDir);
  const log = await openLogOf(dependencies, (error) => dataDirError(error, dataDir));
  const store = createEmbeddedEventStore(log);
  if (eventStore.port === 0) return { store, address: null };
  const { port, projections } = await serveLog(dependencies, log, { port: eventStore.port, page });
  announceOwner(dataDir, port);
  const pageUrl = `http://127.0.0.1:${port}`;
  return { store, address: localAddress(port), pageUrl, projections };
};

/** The embedded event store without its port. Rejects with DirectoryInUseError where another process has it. */
export const openOwnLog = async (dependencies: StoreDependencies): Promise<EventStore> =>
  createEmbeddedEventStore(await openJobLog(dependencies));

/** As above, with its projections, which run as long as it is open. */
export const openOwnNode = async (
  dependencies: StoreDependencies,
): Promise<EventStore & WithProjections> => {
  const log = await openJobLog(dependencies);
  const { projections } = await serveLog(dependencies, log, { port: 0 });
  return { ...createEmbeddedEventStore(log), projections };
};

const openJobLog = (dependencies: StoreDependencies): Promise<DataLog> =>
  openLogOf(dependencies, (error) =>
    directoryError('DATA_DIR', dependencies.config.dataDir, error),
  );

const openLogOf = (
  { config, logger, lifecycle }: StoreDependencies,
  explained: (error: unknown) => unknown,
): Promise<DataLog> =>
  lifecycle.open(
    'event log',
    () =>
      openEventLog({ directory: config.dataDir, logger }).catch((error: unknown) => {
        throw explained(error);
      }),
    (opened) => opened.close(),
  );

/** As the server of the Compose stack: a busy machine is no fault of a projection. */
const STEP_TIMEOUT_MS = 5_000;

/** Opens the port of a log and its projections, which we use as any client does: over the port. */
const serveLog = async (
  { config, logger, lifecycle }: StoreDependencies,
  log: DataLog,
  { port, page }: { readonly port: number; readonly page?: RequestListener },
): Promise<{ readonly port: number; readonly projections: Projections }> => {
  // Loaded here, because they take 12 MB that a service without the port can save.
  const [{ startGrpcServer }, { openProjectionEngine }, { withSystemProjections }] =
    await Promise.all([
      import('../embedded-eventstore/grpc/server.js'),
      import('../embedded-eventstore/projections/open.js'),
      import('../embedded-eventstore/projections/system-projections.js'),
    ]);
  const engine = await lifecycle.open(
    'projection engine',
    () => openProjectionEngine({ log, logger, executionTimeoutMs: STEP_TIMEOUT_MS }),
    (opened) => opened.close(),
  );
  const server = await lifecycle.open(
    'event store port',
    () =>
      startGrpcServer({
        log,
        projections: withSystemProjections(engine, log),
        port,
        logger,
        ...(page === undefined ? {} : { page }),
      }).catch(listenError('EVENTSTORE_PORT', port)),
    (opened) => opened.close(),
  );
  const { appendTimeoutMs } = config.eventStore;
  const connectionString = localAddress(server.port);
  const connect = (): Promise<WithProjections> =>
    lifecycle.open(
      'projections client',
      async () => {
        const { createEventStoreDbStore } = await import('../adapters/eventstoredb/event-store.js');
        return createEventStoreDbStore({ connectionString, appendTimeoutMs, logger });
      },
      (opened) => opened.close(),
    );
  return { port: server.port, projections: connectedWhenAsked(connect) };
};

/** Loaded on first use: the client is large, and many processes never ask for projections. */
const connectedWhenAsked = (connect: () => Promise<WithProjections>): Projections => {
  let connection: Promise<WithProjections> | undefined;
  const ask = async (): Promise<Projections> => (await (connection ??= connect())).projections;
  return {
    list: async () => (await ask()).list(),
    deploy: async (definition) => (await ask()).deploy(definition),
    enable: async (name) => (await ask()).enable(name),
    stateOf: async (name, partition) => (await ask()).stateOf(name, partition),
  };
};
