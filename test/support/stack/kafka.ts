import { containerRuntime } from './container.js';
import { startKafkaContainer } from './kafka-docker.js';
import { startNativeKafka } from './kafka-native.js';
import type { StackServer } from './server.js';

/**
 * A Kafka broker: the one that KAFKA_BROKERS names, else one in a container where Docker is, else
 * one on this machine's Java. For `orSkip(this, 'kafka', openKafka)`.
 */
export const openKafka = async (): Promise<StackServer> => {
  const brokers = process.env['KAFKA_BROKERS'] ?? '';
  if (brokers !== '') return someoneElses(brokers);
  const runtime = await containerRuntime();
  return runtime === null ? startNativeKafka() : startKafkaContainer(runtime);
};

const someoneElses = (address: string): StackServer => {
  const refuse = () => Promise.reject(new Error(`The broker at ${address} is not ours to end.`));
  return { address, ours: false, kill: refuse, start: refuse, stop: () => Promise.resolve() };
};
