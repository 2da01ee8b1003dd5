import { randomUUID } from 'node:crypto';
import { kafkaBus, type KafkaBusOptions } from '../../../src/adapters/kafka/bus.js';
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
): Promise<EventBus> => kafkaBus({ ...testBusOptions(brokers), ...options });
