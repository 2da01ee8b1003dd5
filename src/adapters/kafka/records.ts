import { Partitioners, type KafkaMessage, type Message } from 'kafkajs';
import type { KafkaRecord, ReceivedRecord } from './record-codec.js';

export type PlacedMessage = Message & { readonly partition: number };

/**
 * The partition of a key as Java's producer chooses it. The count is ours and not the topic's: were
 * partitions added to it, keys would otherwise move and lose their order.
 */
export const partitionerFor = (partitions: number): ((key: string) => number) => {
  const choose = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    partitionErrorCode: 0,
    leader: 0,
    replicas: [],
    isr: [],
  }));
  return (key) => choose({ topic: '', partitionMetadata, message: { key, value: null } });
};

export const toMessage = (
  { key, value, headers }: KafkaRecord,
  partitionOf: (key: string) => number,
): PlacedMessage => ({
  key,
  value: value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  headers: { ...headers },
  partition: partitionOf(key),
});

export const receivedRecord = (
  partition: number,
  { key, value, headers = {}, offset }: Pick<KafkaMessage, 'key' | 'value' | 'offset' | 'headers'>,
): ReceivedRecord => ({
  key: key?.toString() ?? '',
  value,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, content]) => [name, headerText(content)]),
  ),
  partition,
  offset: BigInt(offset),
});

/**
 * The first of a header that comes more than once. kafkajs takes what every object inherits for an
 * earlier one, so a header named `constructor` comes with a function before its bytes.
 */
const headerText = (content: unknown): string => {
  const contents: readonly unknown[] = Array.isArray(content) ? content : [content];
  const first = contents.find((each) => Buffer.isBuffer(each) || typeof each === 'string');
  return first?.toString() ?? '';
};
