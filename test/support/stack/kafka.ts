import { inDockerOr } from './container.js';
import { startKafkaContainer } from './kafka-docker.js';
import { startNativeKafka } from './kafka-native.js';
import type { StackServer } from './server.js';

/**
 * A Kafka broker: the one that KAFKA_BROKERS names, else one of one's own. For
 * `orSkip(this, 'kafka', openKafka)`.
 */
export const openKafka = async (): Promise<StackServer> => {
  const brokers = process.env['KAFKA_BROKERS'] ?? '';
  return brokers === '' ? startOwnKafka() : someoneElses(brokers);
};

/** A broker for tests that end it: in a container where Docker is, else on this machine's Java. */
export const startOwnKafka = (): Promise<StackServer> =>
  inDockerOr(startKafkaContainer, () => startNativeKafka());

const someoneElses = (address: string): StackServer => {
  const refuse = () => Promise.reject(new Error(`The broker at ${address} is not ours to end.`));
  return { address, ours: false, kill: refuse, start: refuse, stop: () => Promise.resolve() };
};
