import { randomUUID } from 'node:crypto';
import type { KafkaMessage } from 'kafkajs';
import type { Logger } from '../../platform/observability/logger.js';
import { UnavailableError } from '../../ports/errors.js';
import { within } from '../../platform/async/abort.js';
import { type ClusterAdmin, forgetGroup } from './topics.js';
import { busError, CLIENT_RETRY, type Connect } from './client.js';

export interface TopicReading {
  readonly connect: Connect;
  readonly admin: ClusterAdmin;
  readonly topic: string;
  readonly logger: Logger;
  readonly timeoutMs: number;
  /** False ends the reading. */
  readonly onMessage: (partition: number, message: KafkaMessage) => boolean;
}

/**
 * Reads a topic once, from the first record to its current end. kafkajs reads only as a member of a
 * group, so each read has a group of its own, which is deleted afterwards.
 */
export const readTopic = async (reading: TopicReading): Promise<void> => {
  const { connect, admin, topic, logger, timeoutMs } = reading;
  const offsets = await admin.ask((kafka) => kafka.fetchTopicOffsets(topic));
  const filled = offsets.filter(({ low, high }) => BigInt(low) < BigInt(high));
  if (filled.length === 0) return;
  const ends = new Map(filled.map(({ partition, high }) => [partition, BigInt(high)]));
  const client = connect();
  const group = `${topic}.read-once-${randomUUID()}`;
  const consumer = client.kafka.consumer({
    groupId: group,
    allowAutoTopicCreation: false,
    // It stops only between two fetches.
    maxWaitTimeInMs: 100,
    // kafkajs would keep restarting a reader whose connection was cut.
    retry: { ...CLIENT_RETRY, restartOnFailure: () => Promise.resolve(false) },
  });
  const late = () => new UnavailableError('Kafka did not deliver the topic in time.');
  try {
    await within(timeoutMs, readToEnds(consumer, ends, reading), late);
  } catch (error) {
    throw busError(error);
  } finally {
    await client.close(() => consumer.disconnect());
    // A group that is left behind holds no offsets, and the broker drops it.
    await forgetGroup(admin, group).catch((error: unknown) => {
      logger.warn('Could not delete the consumer group of a finished read', { group, error });
    });
  }
};

type Consumer = ReturnType<ReturnType<Connect>['kafka']['consumer']>;

const readToEnds = async (
  consumer: Consumer,
  ends: Map<number, bigint>,
  { topic, onMessage }: TopicReading,
): Promise<void> => {
  const { CRASH, END_BATCH_PROCESS } = consumer.events;
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const crashed = new Promise<never>((_, reject) => {
    consumer.on(CRASH, ({ payload }) => reject(payload.error));
  });
  // Emitted for batches without records too, such as transaction markers.
  consumer.on(END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
    const end = ends.get(partition);
    if (end !== undefined && BigInt(lastOffset) + 1n >= end) ends.delete(partition);
    if (ends.size === 0) finish();
  });
  let enough = false;
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch: { partition, messages } }) => {
      for (const message of messages) {
        if (enough || BigInt(message.offset) >= (ends.get(partition) ?? 0n)) break;
        enough = !onMessage(partition, message);
      }
      if (enough) finish();
      return Promise.resolve();
    },
  });
  await Promise.race([finished, crashed]);
};
