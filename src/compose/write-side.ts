import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { type CommandHandler, createCommandHandler } from '../command-side/handling/handler.js';
import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import { type CircuitTimes, createCircuit } from '../platform/async/circuit.js';
import { type Config, ConfigError } from '../platform/config/config.js';
import { messageOf } from '../ports/errors.js';
import type { EventStore } from '../ports/event-store.js';
import type { Projections, WithProjections } from '../ports/projections.js';
import type { UserProtection } from '../ports/user-protection.js';
import { requireDataDirectory } from './data-directory.js';
import type { Dependencies } from './dependencies.js';
import {
  localAddress,
  openEmbeddedNode,
  type OpenedEventStore,
  openOwnLog,
  openOwnNode,
  type StoreDependencies,
} from './embedded-node.js';

interface OpenedServer extends OpenedEventStore {
  readonly store: EventStore & WithProjections;
}

/**
 * The server that EVENTSTORE_URL names, or the embedded event store of DATA_DIR, whose port answers
 * browsers with `page`.
 */
export const openEventStore = (
  dependencies: StoreDependencies,
  page: RequestListener,
): Promise<OpenedEventStore> =>
  dependencies.config.eventStore.url === ''
    ? openEmbeddedNode(dependencies, page)
    : openServer(dependencies);

/** The server that EVENTSTORE_URL names, with its projections on the same connection. */
export const openServer = async ({
  config,
  logger,
  lifecycle,
}: StoreDependencies): Promise<OpenedServer> => {
  const { url, appendTimeoutMs } = config.eventStore;
  const { store, shown } = await lifecycle.open(
    'event store client',
    () => openClient({ connectionString: url, appendTimeoutMs, logger }),
    (opened) => opened.store.close(),
  );
  return { store, address: shown, projections: store.projections };
};

interface EventStoreClientOptions extends Pick<Dependencies, 'logger'> {
  readonly connectionString: string;
  readonly appendTimeoutMs: number;
}

/** Rejects with a ConfigError where the client refuses the address, or a file that it names. */
const openClient = async (options: EventStoreClientOptions) => {
  // An embedded service starts faster, and is smaller, without the client.
  const [{ createEventStoreDbStore }, { parseAddress }] = await Promise.all([
    import('../adapters/eventstoredb/event-store.js'),
    import('../adapters/eventstoredb/connection.js'),
  ]);
  try {
    const store = createEventStoreDbStore(options);
    return { store, shown: parseAddress(options.connectionString).shown };
  } catch (error) {
    throw new ConfigError(`EVENTSTORE_URL: ${messageOf(error)}`);
  }
};

/**
 * The projections of the server that EVENTSTORE_URL names, or of the embedded event store: over the
 * port of the process that owns DATA_DIR, else on a port of this job.
 */
export const openProjectionsForJob = async (
  dependencies: StoreDependencies,
): Promise<Projections> => {
  const { config } = dependencies;
  if (config.eventStore.url !== '') return (await openServer(dependencies)).store.projections;
  await requireDataDirectory(config, { log: true });
  try {
    return (await openOwnNode(dependencies)).projections;
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    return (await openPortOfOwner(dependencies, error)).projections;
  }
};

type JobStore = EventStore & Partial<WithProjections>;

/**
 * The event store for a job, beside a service that may be running: the embedded log itself where no
 * process owns it, else the port of its owner. Rejects with DirectoryInUseError where the owner has no
 * port but takes jobs.
 */
export const openEventStoreForJob = async (dependencies: StoreDependencies): Promise<JobStore> => {
  try {
    return await openUnownedEventStore(dependencies);
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    // The owner can run the job itself.
    if (!error.owner?.port && error.owner?.jobs !== undefined) throw error;
    return openPortOfOwner(dependencies, error);
  }
};

/** As above, but rejects with DirectoryInUseError wherever another process owns the embedded log. */
export const openUnownedEventStore = async (dependencies: StoreDependencies): Promise<JobStore> =>
  dependencies.config.eventStore.url === ''
    ? openOwnLog(dependencies)
    : (await openServer(dependencies)).store;

/** The event store port of the process that owns DATA_DIR. Rejects with a ConfigError if it has none. */
export const openPortOfOwner = async (
  dependencies: StoreDependencies,
  error: DirectoryInUseError,
): Promise<OpenedServer['store']> => {
  const port = error.owner?.port;
  if (!port) throw withoutPort(error);
  const config = withUrl(dependencies.config, localAddress(port));
  return (await openServer({ ...dependencies, config })).store;
};

/** Refuses a job that needs the gRPC port of the owner of DATA_DIR. */
const withoutPort = (error: DirectoryInUseError): ConfigError =>
  new ConfigError(
    `DATA_DIR: ${error.message} Start it with EVENTSTORE_PORT, or stop it, or set EVENTSTORE_URL.`,
  );

const withUrl = (config: Config, url: string): Config => ({
  ...config,
  eventStore: { ...config.eventStore, url },
});

/** The command handler over an event store, drained when the service stops. */
export const openCommandHandler = async (
  dependencies: Omit<Dependencies, 'health'> & Partial<Pick<Dependencies, 'health'>>,
  store: EventStore,
  users: UserProtection | null = null,
): Promise<CommandHandler> => {
  const { config, logger, lifecycle, metrics, health, servers } = dependencies;
  const { appendTimeoutMs } = config.eventStore;
  const handler = await lifecycle.open(
    'command handler',
    () => {
      const opened = createCommandHandler({
        store,
        logger,
        metrics,
        newId: randomUUID,
        users,
        limits: { ...config.commands, appendTimeoutMs },
      });
      // A job may take its time, and an embedded store is never away.
      const mayBeAway = servers !== undefined && config.eventStore.url !== '';
      return mayBeAway ? refuseWhileSilent(opened, () => store.ping()) : opened;
    },
    (opened) => opened.drain(),
  );
  health?.watch('commands-refused', () =>
    handler.refused().map(({ stream, detail, remedy }) => ({ stream, detail, remedy })),
  );
  return handler;
};

/**
 * The handler, which refuses new commands at once while the event store answers nothing at all, as
 * behind a network that drops packets: each would wait for its deadline. Commands under way keep theirs,
 * because their append may have been written. An error is an answer: it fails quickly anyway, and a
 * cluster that elects a leader gives some.
 */
export const refuseWhileSilent = (
  handler: CommandHandler,
  ping: () => Promise<void>,
  times: CircuitTimes = {},
): CommandHandler => {
  const circuit = createCircuit({ ...times, ping, isAway: () => false });
  return {
    ...handler,
    handle: (command, options) =>
      circuit.isOpen()
        ? Promise.resolve({ kind: 'unavailable' })
        : circuit.timed(() => handler.handle(command, options)),
    drain: async () => {
      circuit.close();
      await handler.drain();
    },
  };
};
