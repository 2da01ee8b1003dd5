import { Kafka, Partitioners, logLevel, type Message } from 'kafkajs';
import type { RecordedEvent } from '../../src/ports/event-store.js';
import { toRecord } from '../../src/adapters/kafka/record-codec.js';

const BATCH = 1_000;

export interface PublishLimit {
  readonly perSecond: number;
  /** Of this process for a record. */
  readonly cpuMicros: number;
}

/** What kafkajs alone publishes, records made beforehand: one awaited batch after the other. */
export const publishLimit = async (
  broker: string,
  topic: string,
  events: readonly RecordedEvent[],
): Promise<PublishLimit> => {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 6, replicationFactor: 1 }] });
  await admin.disconnect();
  const createPartitioner = Partitioners.DefaultPartitioner;
  const producer = kafka.producer({ idempotent: true, createPartitioner });
  await producer.connect();
  const messages = events.map((event): Message => {
    const { key, value, headers } = toRecord(event, 'limit');
    return { key, value: value === null ? null : Buffer.from(value), headers: { ...headers } };
  });
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  for (let at = 0; at < messages.length; at += BATCH) {
    const batch = messages.slice(at, at + BATCH);
    await producer.sendBatch({ acks: -1, topicMessages: [{ topic, messages: batch }] });
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await producer.disconnect();
  return { perSecond: messages.length / seconds, cpuMicros: (user + system) / messages.length };
};
