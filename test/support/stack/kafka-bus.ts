import { randomUUID } from 'node:crypto';
import { openKafkaEventBus, type KafkaBusOptions } from '../../../src/adapters/kafka/bus.js';
import { clientFactory } from '../../../src/adapters/kafka/client.js';
import { createProducer, createRecordPublisher } from '../../../src/adapters/kafka/publisher.js';
import { type KafkaRecord, partitionerFor } from '../../../src/adapters/kafka/record-codec.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import type { EventBus } from '../../../src/ports/event-bus.js';

export const freshTopic = (): string => `test-${randomUUID()}`;

/** As fast as any broker allows: a group there may have a session time-out of six seconds or more. */
export const testBusOptions = (brokers: string, topic = freshTopic()): KafkaBusOptions => ({
  brokers: brokers.split(','),
  topic,
  partitions: 3,
  replicationFactor: 0,
  logger: silentLogger(),
  sessionTimeoutMs: 6_000,
  heartbeatMs: 300,
  maxWaitMs: 100,
  patienceMs: 200,
  redelivery: { baseMs: 20, maxMs: 100 },
});

/** A bus on a topic of its own. */
export const openKafkaBus = (
  brokers: string,
  options: Partial<KafkaBusOptions> = {},
): Promise<EventBus> => openKafkaEventBus({ ...testBusOptions(brokers), ...options });

/** Puts records on a topic beside its bridge, as nobody should. */
export const publishRecords = async (
  { brokers, topic, partitions }: Pick<KafkaBusOptions, 'brokers' | 'topic' | 'partitions'>,
  records: readonly KafkaRecord[],
): Promise<void> => {
  const connect = clientFactory({ brokers, logger: silentLogger() });
  const publisher = createRecordPublisher({
    producer: () => createProducer({ connect, topic }),
    partitionOf: partitionerFor(partitions),
    publishTimeoutMs: 15_000,
  });
  await publisher.publish(records);
  await publisher.close();
};
