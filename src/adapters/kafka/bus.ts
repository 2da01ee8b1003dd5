import type { BusItem, BusPublisher, EventBus, Offsets } from '../../ports/event-bus.js';
import type { Backoff } from '../../platform/async/retry.js';
import {
  committedBy,
  createAdmin,
  ensureTopic,
  forgetGroup,
  membersOf,
  refuseOtherCount,
  refuseRetention,
  type TopicSettings,
} from './topics.js';
import { busClosed, clientFactory, type ConnectionSettings } from './client.js';
import { createConsumer } from './consumer.js';
import { createProducer, createRecordPublisher } from './publisher.js';
import { readTopic } from './read-topic.js';
import {
  fromRecord,
  partitionerFor,
  receivedRecord,
  toMarkerRecord,
  toRecord,
} from './record-codec.js';

export interface KafkaBusOptions extends ConnectionSettings, TopicSettings {
  /** For one call of `publish`, connecting and repeating included. */
  readonly publishTimeoutMs?: number;
  readonly sessionTimeoutMs?: number;
  readonly heartbeatMs?: number;
  readonly maxWaitMs?: number;
  readonly maxBytesPerPartition?: number;
  /** How long other partitions wait for one whose queue is full before it is paused. */
  readonly patienceMs?: number;
  /** Pause before a batch whose handler threw is delivered again. */
  readonly redelivery?: Backoff;
  /** How long `stop` waits for a running handler before it aborts its signal. */
  readonly stopTimeoutMs?: number;
  /** A consumer is not healthy once a batch has failed for so long. */
  readonly unhealthyAfterMs?: number;
}

const SAMPLE_TIMEOUT_MS = 30_000;

/** A bus on one topic, which is created where it is missing. Rejects while the brokers are down. */
export const openKafkaEventBus = async ({
  publishTimeoutMs = 15_000,
  sessionTimeoutMs = 12_000,
  heartbeatMs = 3_000,
  maxWaitMs = 500,
  maxBytesPerPartition = 1_000_000,
  patienceMs = 1_000,
  redelivery = { baseMs: 100, maxMs: 5_000 },
  stopTimeoutMs = 10_000,
  unhealthyAfterMs = 20_000,
  ...options
}: KafkaBusOptions): Promise<EventBus> => {
  const { topic, partitions, logger } = options;
  const connect = clientFactory(options);
  const admin = createAdmin(connect);
  try {
    refuseOtherCount(topic, await ensureTopic(admin, options), partitions);
    await refuseRetention(admin, topic, logger);
  } catch (error) {
    await admin.close();
    throw error;
  }
  const partitionOf = partitionerFor(partitions);
  const parts = new Set<() => Promise<void>>();
  let closing: Promise<void> | undefined;

  const publisher = (logId: string): BusPublisher => {
    if (closing !== undefined) throw busClosed();
    const producer = () => createProducer({ connect, topic });
    const records = createRecordPublisher({ producer, partitionOf, publishTimeoutMs });
    const end = () => records.close().finally(() => parts.delete(end));
    parts.add(end);
    return {
      publish: (events) => records.publish(events.map((event) => toRecord(event, logId))),
      publishMarker: (event) => records.publish([toMarkerRecord(event, logId)]),
      close: end,
    };
  };

  const consumer = (group: string) => {
    const made = createConsumer({
      connect,
      group,
      topic,
      partitions,
      logger,
      sessionTimeoutMs,
      heartbeatMs,
      maxWaitMs,
      maxBytesPerPartition,
      patienceMs,
      redelivery,
      stopTimeoutMs,
      unhealthyAfterMs,
    });
    const end = () => made.stop().finally(() => parts.delete(end));
    parts.add(end);
    // A consumer of a closed bus never starts.
    if (closing !== undefined) void end();
    return { ...made, stop: end };
  };

  const ends = async (): Promise<Offsets> => {
    const found = await admin.ask((kafka) => kafka.fetchTopicOffsets(topic));
    return new Map(found.map(({ partition, high }) => [partition, BigInt(high)]));
  };

  const sample = async (): Promise<BusItem | null> => {
    let found: BusItem | null = null;
    await readTopic({
      connect,
      admin,
      topic,
      logger,
      timeoutMs: SAMPLE_TIMEOUT_MS,
      onMessage: (partition, message) => {
        found = fromRecord(receivedRecord(partition, message));
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
    publisher: (logId) => new Promise((resolve) => resolve(publisher(logId))),
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
