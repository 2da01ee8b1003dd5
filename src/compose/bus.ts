import { createInProcessBus } from '../adapters/embedded/bus/bus.js';
import { openDeadLetters } from '../adapters/embedded/dead-letters.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';
import type { DeadLetters } from '../ports/dead-letters.js';
import { PortError } from '../ports/errors.js';
import type { EventBus } from '../ports/event-bus.js';
import { directoryError } from '../platform/config/system-errors.js';
import type { Dependencies } from './dependencies.js';
import { kafkaConnection, kafkaServer } from './servers.js';
import { whenAvailable } from './when-available.js';

export interface OpenedBus {
  readonly bus: EventBus;
  readonly deadLetters: DeadLetters;
  /** Whether the bus keeps its records and the offsets of groups, so that versions may be added later. */
  readonly keeps: boolean;
}

type BusDependencies = Pick<Dependencies, 'config' | 'logger' | 'lifecycle' | 'servers'> & {
  readonly signal: AbortSignal;
};

export const isKafka = ({ kafka }: Config): boolean => kafka.brokers.length > 0;

/** The partitions that a projector may be assigned. */
export const partitionsOf = (config: Config): readonly number[] =>
  Array.from({ length: isKafka(config) ? config.kafka.partitions : 1 }, (_, index) => index);

/** Kafka where KAFKA_BROKERS names brokers, else the in-process bus. */
export const openBus = async (dependencies: BusDependencies): Promise<OpenedBus> => {
  if (!isKafka(dependencies.config)) return await openInProcess(dependencies);
  const opened = await openKafka(dependencies);
  dependencies.servers?.connected('kafka', () => opened.bus.ping());
  return opened;
};

/** Retries until Kafka answers. */
const whenKafka = <T>(
  { config, logger, signal, servers }: BusDependencies,
  ask: (quiet: Logger) => Promise<T>,
): Promise<T> => {
  let isConnected = false;
  // The client logs each attempt; before the first answer `whenAvailable` logs the wait.
  const quiet: Logger = {
    ...logger,
    warn: (...line) => (isConnected ? logger.warn(...line) : logger.debug(...line)),
  };
  const connect = async (): Promise<T> => {
    const opened = await ask(quiet);
    isConnected = true;
    return opened;
  };
  const server = kafkaServer(config);
  return whenAvailable(connect, { server, logger, signal, onWait: servers?.waits });
};

const openInProcess = async (dependencies: BusDependencies): Promise<OpenedBus> => {
  const { lifecycle, logger } = dependencies;
  const deadLetters = await openFileDeadLetters(dependencies);
  const bus = await lifecycle.open(
    'bus',
    () => createInProcessBus({ logger }),
    (opened) => opened.close(),
  );
  return { bus, deadLetters, keeps: false };
};

const openKafka = async (dependencies: BusDependencies): Promise<OpenedBus> => {
  const { config, lifecycle } = dependencies;
  const { topic, partitions, replicationFactor, minInSyncReplicas } = config.kafka;
  // An embedded service starts faster, and is smaller, without the client.
  const { openKafkaEventBus } = await import('../adapters/kafka/bus.js');
  const connect = (logger: Logger) => {
    const connection = kafkaConnection(config.kafka, logger);
    const copies = { replicationFactor, minInSyncReplicas };
    return openKafkaEventBus({ ...connection, topic, partitions, ...copies }).catch(
      (error: unknown): never => {
        const refused = error instanceof PortError && error.code === 'NOT_SUPPORTED';
        throw refused ? new ConfigError(`KAFKA_TOPIC, KAFKA_PARTITIONS: ${error.message}`) : error;
      },
    );
  };
  const bus = await lifecycle.open(
    'bus',
    () => whenKafka(dependencies, connect),
    (opened) => opened.close(),
  );
  return { bus, deadLetters: await openKafkaDeadLetters(dependencies), keeps: true };
};

/** The dead letters, stored beside the bus. */
export const openDeadLettersOf = (dependencies: BusDependencies): Promise<DeadLetters> =>
  isKafka(dependencies.config)
    ? openKafkaDeadLetters(dependencies)
    : openFileDeadLetters(dependencies);

const openFileDeadLetters = ({ config, lifecycle }: BusDependencies): Promise<DeadLetters> =>
  lifecycle.open(
    'dead letters',
    () =>
      openDeadLetters({ dataDir: config.dataDir }).catch((error: unknown) => {
        throw directoryError('DATA_DIR', config.dataDir, error);
      }),
    (opened) => opened.close(),
  );

const openKafkaDeadLetters = async (dependencies: BusDependencies): Promise<DeadLetters> => {
  const { config, lifecycle } = dependencies;
  const { topic, replicationFactor, minInSyncReplicas } = config.kafka;
  const copies = { replicationFactor, minInSyncReplicas };
  const { kafkaDeadLetters } = await import('../adapters/kafka/dead-letters.js');
  const connect = (logger: Logger) =>
    kafkaDeadLetters({ ...kafkaConnection(config.kafka, logger), topic, ...copies });
  return lifecycle.open(
    'dead letters',
    () => whenKafka(dependencies, connect),
    (opened) => opened.close(),
  );
};
