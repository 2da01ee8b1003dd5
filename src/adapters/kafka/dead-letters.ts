import type { DeadLetter, DeadLetters } from '../../ports/dead-letters.js';
import { createAdmin } from './admin.js';
import { clientFactory, type ConnectionSettings } from './client.js';
import { letterKey, toLetter, toLetterRecord } from './dead-letter-record.js';
import { createProducer } from './producer.js';
import { createPublisher } from './publisher.js';
import { readTopic } from './read-topic.js';
import { partitionerFor, toRecord } from './records.js';
import { warnOfForgetful } from './topic-settings.js';
import { ensureTopic, type TopicSettings } from './topics.js';

export interface KafkaDeadLettersOptions
  extends ConnectionSettings, Pick<TopicSettings, 'replicationFactor'> {
  /** The topic of the events; the letters are on the one with `.dlq` behind it. */
  readonly topic: string;
  readonly publishTimeoutMs?: number;
  readonly replicationTimeoutMs?: number;
  readonly askTimeoutMs?: number;
  readonly listTimeoutMs?: number;
}

/** Letters on a topic of one partition, which keeps them in the order in which they came. */
export const kafkaDeadLetters = async ({
  publishTimeoutMs = 15_000,
  replicationTimeoutMs = 8_000,
  askTimeoutMs = 10_000,
  listTimeoutMs = 60_000,
  ...options
}: KafkaDeadLettersOptions): Promise<DeadLetters & { close(): Promise<void> }> => {
  const topic = `${options.topic}.dlq`;
  const connect = clientFactory(options);
  const admin = createAdmin(connect, askTimeoutMs);
  const { replicationFactor, logger } = options;
  let partitions: number;
  try {
    partitions = await ensureTopic(admin, { topic, partitions: 1, replicationFactor });
    await warnOfForgetful(admin, topic, logger);
  } catch (error) {
    await admin.close();
    throw error;
  }
  const publisher = createPublisher({
    producer: () => createProducer({ connect, topic, replicationTimeoutMs }),
    partitionOf: partitionerFor(partitions),
    publishTimeoutMs,
  });

  const list = async (limit: number): Promise<readonly DeadLetter[]> => {
    if (limit <= 0) return [];
    const found = new Map<string, { readonly letter: DeadLetter; readonly writtenAt: number }>();
    const reading = { connect, admin, topic, logger, timeoutMs: listTimeoutMs };
    await readTopic({
      ...reading,
      onMessage: (partition, message) => {
        const writtenAt = Number(message.timestamp);
        const letter = toLetter(toRecord(partition, message), writtenAt);
        const key = letterKey(letter);
        if (!found.has(key)) found.set(key, { letter, writtenAt });
        // Only one partition has an order that tells that no older letter is to come.
        return partitions > 1 || found.size < limit;
      },
    });
    const letters = [...found.values()];
    if (partitions > 1) letters.sort((a, b) => a.writtenAt - b.writtenAt);
    return letters.slice(0, limit).map(({ letter }) => letter);
  };

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await publisher.close();
    await admin.close();
  };
  return {
    add: async (letter) => {
      await publisher.publish([toLetterRecord(letter)]);
    },
    list,
    close: () => (closing ??= close()),
  };
};
