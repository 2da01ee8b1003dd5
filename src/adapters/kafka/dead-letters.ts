import { type DeadLetter, type DeadLetters, keptValue } from '../../ports/dead-letters.js';
import { createAdmin, ensureTopic, type TopicSettings, warnOfRetention } from './topics.js';
import { clientFactory, type ConnectionSettings } from './client.js';
import { createProducer, createRecordPublisher } from './publisher.js';
import { readTopic } from './read-topic.js';
import { type KafkaRecord, partitionerFor, receivedRecord } from './record-codec.js';

export interface KafkaDeadLettersOptions
  extends ConnectionSettings, Pick<TopicSettings, 'replicationFactor' | 'minInSyncReplicas'> {
  /** The topic of the events; the letters are on the one with `.dlq` behind it. */
  readonly topic: string;
  readonly publishTimeoutMs?: number;
}

const LIST_TIMEOUT_MS = 60_000;

/** Letters on a topic of one partition, which keeps their order. */
export const kafkaDeadLetters = async ({
  publishTimeoutMs = 15_000,
  ...options
}: KafkaDeadLettersOptions): Promise<DeadLetters & { close(): Promise<void> }> => {
  const topic = `${options.topic}.dlq`;
  const connect = clientFactory(options);
  const admin = createAdmin(connect);
  const { replicationFactor, minInSyncReplicas, logger } = options;
  const copies = { replicationFactor, minInSyncReplicas };
  let partitions: number;
  try {
    partitions = await ensureTopic(admin, { topic, partitions: 1, ...copies });
    await warnOfRetention(admin, topic, logger);
  } catch (error) {
    await admin.close();
    throw error;
  }
  const publisher = createRecordPublisher({
    producer: () => createProducer({ connect, topic }),
    partitionOf: partitionerFor(partitions),
    publishTimeoutMs,
  });

  const list = async (limit: number): Promise<readonly DeadLetter[]> => {
    if (limit <= 0) return [];
    const found = new Map<string, { readonly letter: DeadLetter; readonly writtenAt: number }>();
    await readTopic({
      connect,
      admin,
      topic,
      logger,
      timeoutMs: LIST_TIMEOUT_MS,
      onMessage: (partition, message) => {
        const writtenAt = Number(message.timestamp);
        const letter = toLetter(receivedRecord(partition, message), writtenAt);
        const key = letterKey(letter);
        if (!found.has(key)) found.set(key, { letter, writtenAt });
        // Only in one partition are the first letters the oldest.
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
export const toLetterRecord = (letter: DeadLetter): KafkaRecord => {
  const { stream, revision, source, reason, at } = letter;
  return {
    key: stream ?? source,
    value: keptValue(letter),
    headers: {
      ...(stream === null ? {} : { stream }),
      ...(revision === null ? {} : { revision: String(revision) }),
      source,
      reason,
      at,
    },
  };
};

/** A record that another program wrote is listed as far as it can be read. */
export const toLetter = ({ key, value, headers }: KafkaRecord, writtenAt: number): DeadLetter => {
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
