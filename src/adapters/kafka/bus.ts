import type { BusPublisher, BusRecord, EventBus, Offsets } from '../../ports/event-bus.js';
import type { Backoff } from '../../platform/async/retry.js';
import { committedBy, createAdmin, forgetGroup, membersOf } from './admin.js';
import { clientFactory, type ConnectionSettings } from './client.js';
import { createConsumer } from './consumer.js';
import { gone } from './errors.js';
import { createProducer, createPublisher } from './publisher.js';
import { readTopic } from './read-topic.js';
import { partitionerFor, toRecord } from './records.js';
import { ensureTopic, refuseForgetful, refuseOtherCount, type TopicSettings } from './topics.js';

export interface KafkaBusOptions extends ConnectionSettings, TopicSettings {
  /** For one call of `publish`, connecting and repeating included. */
  readonly publishTimeoutMs?: number;
  /** How long a broker may wait for its replicas. */
  readonly replicationTimeoutMs?: number;
  /** For one question to the cluster. */
  readonly askTimeoutMs?: number;
  readonly sampleTimeoutMs?: number;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly heartbeatMs?: number;
  readonly maxWaitMs?: number;
  readonly maxBytesPerPartition?: number;
  readonly joinTimeoutMs?: number;
  readonly stallTimeoutMs?: number;
  /** How long other partitions wait for a handler before it goes on beside them. */
  readonly patienceMs?: number;
  /** Pause before a batch whose handler threw is delivered again. */
  readonly redelivery?: Backoff;
  /** Pause before a crashed consumer is made again. */
  readonly revival?: Backoff;
  /** How long `stop` lets a running handler finish before it is told to leave. */
  readonly stopTimeoutMs?: number;
  /** A consumer is not healthy once a batch has failed for so long. */
  readonly unhealthyAfterMs?: number;
}

/** A bus on one topic, which is created where it is missing. Rejects while the brokers are down. */
export const kafkaBus = async ({
  publishTimeoutMs = 15_000,
  replicationTimeoutMs = 8_000,
  askTimeoutMs = 10_000,
  sampleTimeoutMs = 30_000,
  sessionTimeoutMs = 12_000,
  rebalanceTimeoutMs = 15_000,
  heartbeatMs = 3_000,
  maxWaitMs = 500,
  maxBytesPerPartition = 1_000_000,
  joinTimeoutMs = 30_000,
  stallTimeoutMs = 30_000,
  patienceMs = 1_000,
  redelivery = { baseMs: 100, maxMs: 5_000 },
  revival = { baseMs: 200, maxMs: 5_000 },
  stopTimeoutMs = 10_000,
  unhealthyAfterMs = 20_000,
  ...options
}: KafkaBusOptions): Promise<EventBus> => {
  const { topic, partitions, logger } = options;
  const connect = clientFactory(options);
  const admin = createAdmin(connect, askTimeoutMs);
  try {
    refuseOtherCount(topic, await ensureTopic(admin, options), partitions);
    await refuseForgetful(admin, topic, logger);
  } catch (error) {
    await admin.close();
    throw error;
  }
  const partitionOf = partitionerFor(partitions);
  const parts = new Set<() => Promise<void>>();
  let closing: Promise<void> | undefined;

  const publisher = (): BusPublisher => {
    if (closing !== undefined) throw gone();
    const producer = () => createProducer({ connect, topic, replicationTimeoutMs });
    const made = createPublisher({ producer, partitionOf, publishTimeoutMs });
    const end = () => made.close().finally(() => parts.delete(end));
    parts.add(end);
    return { ...made, close: end };
  };

  const consumer = (group: string) => {
    const timings = { sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs, maxWaitMs, joinTimeoutMs };
    const settings = { maxBytesPerPartition, stallTimeoutMs, patienceMs, redelivery, revival };
    const place = { connect, group, topic, partitions, logger };
    const limits = { stopTimeoutMs, unhealthyAfterMs };
    const made = createConsumer({ ...place, ...timings, ...settings, ...limits });
    const end = () => made.stop().finally(() => parts.delete(end));
    parts.add(end);
    // What was closed has nothing to start any more.
    if (closing !== undefined) void end();
    return { ...made, stop: end };
  };

  const ends = async (): Promise<Offsets> => {
    const found = await admin.ask((kafka) => kafka.fetchTopicOffsets(topic));
    return new Map(found.map(({ partition, high }) => [partition, BigInt(high)]));
  };

  const sample = async (): Promise<BusRecord | null> => {
    let found: BusRecord | null = null;
    const reading = { connect, admin, topic, logger, timeoutMs: sampleTimeoutMs };
    await readTopic({
      ...reading,
      onMessage: (partition, message) => {
        const { key, value, headers } = toRecord(partition, message);
        found = { key, value, headers };
        return false;
      },
    });
    return found;
  };

  const close = async (): Promise<void> => {
    await Promise.all([...parts].map((end) => end()));
    await admin.close();
  };

  return {
    publisher: () => new Promise((resolve) => resolve(publisher())),
    consumer,
    ends,
    sample,
    forget: (group) => forgetGroup(admin, group),
    committed: (group) => committedBy(admin, group, topic),
    members: (group) => membersOf(admin, group),
    ping: async () => {
      await admin.ask((kafka) => kafka.fetchTopicMetadata({ topics: [topic] }));
    },
    close: () => (closing ??= close()),
  };
};
