import type { RecordMetadata } from 'kafkajs';
import { UnavailableError } from '../../ports/errors.js';
import type { BusPublisher, Offsets } from '../../ports/event-bus.js';
import { within } from '../../platform/within.js';
import { busError, gone } from './errors.js';
import type { IdempotentProducer } from './producer.js';
import { toMessage, type PlacedMessage } from './records.js';

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
