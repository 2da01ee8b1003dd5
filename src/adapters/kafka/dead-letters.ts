import { type DeadLetter, type DeadLetters, keptValue } from '../../ports/dead-letters.js';
import type { BusRecord } from '../../ports/event-bus.js';
import { createAdmin } from './admin.js';
import { clientFactory, type ConnectionSettings } from './client.js';
import { createProducer, createPublisher } from './publisher.js';
import { readTopic } from './read-topic.js';
import { partitionerFor, toRecord } from './records.js';
import { ensureTopic, type TopicSettings, warnOfForgetful } from './topics.js';

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

/** The value stays as it came, so that any tool can look at it; what is known of it is in headers. */
export const toLetterRecord = (letter: DeadLetter): BusRecord => {
  const { stream, revision, source, reason, at } = letter;
  return {
    key: stream ?? source,
    value: keptValue(letter),
    headers: {
      ...(stream === null ? {} : { stream }),
      ...(revision === null ? {} : { revision: String(revision) }),
      ...{ source, reason, at },
    },
  };
};

/** A record that somebody else put there is listed as well as it can be. */
export const toLetter = ({ key, value, headers }: BusRecord, writtenAt: number): DeadLetter => {
  const { stream, revision, source, reason, at } = headers;
  return {
    stream: stream ?? null,
    revision: revision !== undefined && /^\d{1,15}$/.test(revision) ? Number(revision) : null,
    source: source ?? key,
    reason: reason ?? 'No reason was given.',
    value,
    at: at ?? new Date(writtenAt).toISOString(),
  };
};

/** A letter without a stream and revision is known by where it came from. */
export const letterKey = ({ stream, revision, source }: DeadLetter): string =>
  JSON.stringify(stream === null || revision === null ? [source] : [stream, revision]);
