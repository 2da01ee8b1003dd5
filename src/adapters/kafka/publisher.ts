import { Partitioners, type RecordMetadata } from 'kafkajs';
import { within } from '../../platform/async/abort.js';
import { UnavailableError } from '../../ports/errors.js';
import type { Offsets } from '../../ports/event-bus.js';
import { busClosed, busError, CLIENT_RETRY, type Connect } from './client.js';
import { type KafkaRecord, type PlacedMessage, toMessage } from './record-codec.js';

export interface RecordPublisher {
  /** Returns the last offset of each partition that was written to. */
  publish(records: readonly KafkaRecord[]): Promise<Offsets>;
  close(): Promise<void>;
}

export interface RecordPublisherOptions {
  readonly producer: () => IdempotentProducer;
  readonly partitionOf: (key: string) => number;
  /** From the first attempt to the last, connecting included. */
  readonly publishTimeoutMs: number;
}

/**
 * One send at a time, and a new producer after a failed send: kafkajs reuses the sequence numbers of
 * a failed request, so the broker would take the next records for duplicates and acknowledge them
 * without writing them (docs/decisions/0010).
 */
export const createRecordPublisher = (options: RecordPublisherOptions): RecordPublisher => {
  const { partitionOf, publishTimeoutMs } = options;
  let turn: Promise<unknown> = Promise.resolve();
  let current: IdempotentProducer | null = null;
  let closed = false;
  let closing: Promise<void> | undefined;
  let abandon = (): void => undefined;

  const unlessClosed = <T>(sending: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      abandon = () => reject(busClosed());
      sending.then(resolve, reject);
    });

  const send = async (messages: readonly PlacedMessage[]): Promise<Offsets> => {
    if (closed) throw busClosed();
    if (messages.length === 0) return new Map();
    const mine = (current ??= options.producer());
    try {
      const sending = unlessClosed(mine.send(messages));
      const written = await within(publishTimeoutMs, sending, publishTimeout);
      requireAllWritten(messages, written);
      return lastOffsets(messages, written);
    } catch (error) {
      // Cut first: a late request of this producer must not overtake the next one.
      mine.cut();
      current = null;
      throw busError(error);
    }
  };

  const close = async (): Promise<void> => {
    closed = true;
    const last = current;
    // A send in flight may finish until the disconnect is done.
    await last?.close();
    abandon();
  };

  return {
    publish: (records) => {
      if (closed) return Promise.reject(busClosed());
      const messages = records.map((record) => toMessage(record, partitionOf));
      const sent = turn.then(() => send(messages));
      turn = sent.catch(() => undefined);
      return sent;
    },
    close: () => (closing ??= close()),
  };
};

const publishTimeout = () => new UnavailableError('Kafka did not take the records in time.');

/**
 * When kafkajs repeats a request, it leaves out the brokers that have answered. A partition whose
 * leader was killed, and which now has one of these, is not sent at all, and the send succeeds.
 */
const requireAllWritten = (
  messages: readonly PlacedMessage[],
  written: readonly RecordMetadata[],
): void => {
  const partitions = new Set(written.map(({ partition }) => partition));
  const missing = new Set(
    messages.flatMap(({ partition }) => (partitions.has(partition) ? [] : [partition])),
  );
  if (missing.size === 0) return;
  throw new UnavailableError('Kafka took only a part of the records.', {
    context: { missing: [...missing] },
  });
};

const lastOffsets = (
  messages: readonly PlacedMessage[],
  written: readonly RecordMetadata[],
): Offsets => {
  const counts = new Map<number, bigint>();
  for (const { partition } of messages) counts.set(partition, (counts.get(partition) ?? 0n) + 1n);
  const offsets = new Map<number, bigint>();
  for (const { partition, baseOffset } of written) {
    const first = BigInt(baseOffset ?? -1);
    // For a duplicate the broker may no longer know the offset.
    if (first >= 0n) offsets.set(partition, first + (counts.get(partition) ?? 1n) - 1n);
  }
  return offsets;
};

/** One producer id and its sequence numbers. */
export interface IdempotentProducer {
  /** Never called again before the last call has settled, and never after one has failed. */
  send(messages: readonly PlacedMessage[]): Promise<readonly RecordMetadata[]>;
  /** Nothing more of it reaches the broker. */
  cut(): void;
  close(): Promise<void>;
}

interface ProducerSettings {
  readonly connect: Connect;
  readonly topic: string;
}

/** How long the broker may wait for its replicas. */
const REPLICATION_TIMEOUT_MS = 8_000;

export const createProducer = ({ connect, topic }: ProducerSettings): IdempotentProducer => {
  const client = connect();
  const producer = client.kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: CLIENT_RETRY,
  });
  let connected: Promise<void> | undefined;
  return {
    send: async (messages) => {
      await (connected ??= producer.connect());
      return producer.sendBatch({
        acks: -1,
        timeout: REPLICATION_TIMEOUT_MS,
        topicMessages: [{ topic, messages: [...messages] }],
      });
    },
    cut: () => client.cut(),
    close: () => client.close(() => producer.disconnect()),
  };
};
