import { Partitioners, type RecordMetadata } from 'kafkajs';
import { within } from '../../platform/async/abort.js';
import { UnavailableError } from '../../ports/errors.js';
import type { BusPublisher, Offsets } from '../../ports/event-bus.js';
import { type Connect, RETRY } from './client.js';
import { busError, gone } from './errors.js';
import { type PlacedMessage, toMessage } from './records.js';

export interface PublisherOptions {
  readonly producer: () => IdempotentProducer;
  readonly partitionOf: (key: string) => number;
  /** From the first attempt to the last, connecting included. */
  readonly publishTimeoutMs: number;
}

/**
 * One send at a time, and a new producer after any that failed: kafkajs takes the sequence numbers
 * of a failed request back, so the broker would take what comes next for a repeat and acknowledge it
 * unwritten (docs/decisions/0010).
 */
export const createPublisher = (options: PublisherOptions): BusPublisher => {
  const { partitionOf, publishTimeoutMs } = options;
  let turn: Promise<unknown> = Promise.resolve();
  let current: IdempotentProducer | null = null;
  let closed = false;
  let closing: Promise<void> | undefined;
  let abandon = (): void => undefined;

  const unlessClosed = <T>(sending: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      abandon = () => reject(gone());
      sending.then(resolve, reject);
    });

  const send = async (messages: readonly PlacedMessage[]): Promise<Offsets> => {
    if (closed) throw gone();
    if (messages.length === 0) return new Map();
    const mine = (current ??= options.producer());
    try {
      const written = unlessClosed(mine.send(messages));
      return lastOffsets(messages, await within(publishTimeoutMs, written, late));
    } catch (error) {
      // Before the next one is made: a late request of this one must not come after it.
      mine.cut();
      current = null;
      throw busError(error);
    }
  };

  const close = async (): Promise<void> => {
    closed = true;
    const last = current;
    // What is still being sent is given the time that a goodbye takes.
    await last?.close();
    abandon();
  };

  return {
    publish: (records) => {
      if (closed) return Promise.reject(gone());
      const messages = records.map((record) => toMessage(record, partitionOf));
      const sent = turn.then(() => send(messages));
      turn = sent.catch(() => undefined);
      return sent;
    },
    close: () => (closing ??= close()),
  };
};

const late = () => new UnavailableError('Kafka did not take the records in time.');

const lastOffsets = (
  messages: readonly PlacedMessage[],
  written: readonly RecordMetadata[],
): Offsets => {
  const counts = new Map<number, bigint>();
  for (const { partition } of messages) counts.set(partition, (counts.get(partition) ?? 0n) + 1n);
  const offsets = new Map<number, bigint>();
  for (const { partition, baseOffset } of written) {
    const first = BigInt(baseOffset ?? -1);
    // A broker that recognises a repeat may have forgotten where it is.
    if (first >= 0n) offsets.set(partition, first + (counts.get(partition) ?? 1n) - 1n);
  }
  return offsets;
};

/** One producer id and its sequence numbers. */
export interface IdempotentProducer {
  /** Never called again before the last call has settled, and never after one has failed. */
  send(messages: readonly PlacedMessage[]): Promise<readonly RecordMetadata[]>;
  /** Nothing of it reaches the broker any more. */
  cut(): void;
  close(): Promise<void>;
}

interface ProducerSettings {
  readonly connect: Connect;
  readonly topic: string;
  /** How long the broker may wait for its replicas. */
  readonly replicationTimeoutMs: number;
}

export const createProducer = (settings: ProducerSettings): IdempotentProducer => {
  const { connect, topic, replicationTimeoutMs } = settings;
  const client = connect();
  const producer = client.kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: RETRY,
  });
  let connected: Promise<void> | undefined;
  return {
    send: async (messages) => {
      await (connected ??= producer.connect());
      return producer.sendBatch({
        acks: -1,
        timeout: replicationTimeoutMs,
        topicMessages: [{ topic, messages: [...messages] }],
      });
    },
    cut: () => client.cut(),
    close: () => client.close(() => producer.disconnect()),
  };
};
