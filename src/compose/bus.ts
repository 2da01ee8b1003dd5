import { inProcessBus } from '../adapters/embedded/bus/bus.js';
import { openDeadLetters } from '../adapters/embedded/dead-letters.js';
import { kafkaBus } from '../adapters/kafka/bus.js';
import { kafkaDeadLetters } from '../adapters/kafka/dead-letters.js';
import { ConfigError, type Config } from '../platform/config.js';
import type { DeadLetters } from '../ports/dead-letters.js';
import { PortError } from '../ports/errors.js';
import type { EventBus } from '../ports/event-bus.js';
import type { Needs } from './needs.js';
import { kafkaConnection } from './kafka-connection.js';
import { whenAvailable } from './when-available.js';

export interface OpenedBus {
  readonly bus: EventBus;
  readonly deadLetters: DeadLetters;
  /** Whether records stay on it: then groups remember how far they are, and versions may come later. */
  readonly keeps: boolean;
}

type BusNeeds = Pick<Needs, 'config' | 'logger' | 'life'> & { readonly signal: AbortSignal };

/** What is waited for, and what says who asks. */
export const KAFKA = {
  server: 'Kafka',
  settings: 'KAFKA_USERNAME, KAFKA_PASSWORD',
} as const;

export const isKafka = ({ kafka }: Config): boolean => kafka.brokers.length > 0;

/** The brokers that KAFKA_BROKERS names, or the hand-over inside this process. */
export const openBus = (needs: BusNeeds): Promise<OpenedBus> =>
  isKafka(needs.config) ? openKafka(needs) : openInProcess(needs);

const openInProcess = async (needs: BusNeeds): Promise<OpenedBus> => {
  const { life, logger } = needs;
  const deadLetters = await openFileDeadLetters(needs);
  const bus = await life.open(
    'bus',
    () => inProcessBus({ logger }),
    (opened) => opened.close(),
  );
  return { bus, deadLetters, keeps: false };
};

const openKafka = async (needs: BusNeeds): Promise<OpenedBus> => {
  const { config, life, logger, signal } = needs;
  const { topic, partitions, replicationFactor } = config.kafka;
  const connection = kafkaConnection(config.kafka, logger);
  const connect = () =>
    kafkaBus({ ...connection, topic, partitions, replicationFactor }).catch(
      (error: unknown): never => {
        const refused = error instanceof PortError && error.code === 'NOT_SUPPORTED';
        throw refused ? new ConfigError(`KAFKA_TOPIC, KAFKA_PARTITIONS: ${error.message}`) : error;
      },
    );
  const bus = await life.open(
    'bus',
    () => whenAvailable(connect, { ...KAFKA, logger, signal }),
    (opened) => opened.close(),
  );
  return { bus, deadLetters: await openKafkaDeadLetters(needs), keeps: true };
};

/** Where what could not be applied is listed: beside the bus. */
export const openDeadLettersOf = (needs: BusNeeds): Promise<DeadLetters> =>
  isKafka(needs.config) ? openKafkaDeadLetters(needs) : openFileDeadLetters(needs);

const openFileDeadLetters = ({ config, life }: BusNeeds): Promise<DeadLetters> =>
  life.open(
    'dead letters',
    () => openDeadLetters({ dataDir: config.dataDir }),
    (opened) => opened.close(),
  );

const openKafkaDeadLetters = (needs: BusNeeds): Promise<DeadLetters> => {
  const { config, life, logger, signal } = needs;
  const { topic, replicationFactor } = config.kafka;
  const connection = kafkaConnection(config.kafka, logger);
  const connect = () => kafkaDeadLetters({ ...connection, topic, replicationFactor });
  return life.open(
    'dead letters',
    () => whenAvailable(connect, { ...KAFKA, logger, signal }),
    (opened) => opened.close(),
  );
};
