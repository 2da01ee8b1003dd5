import { Partitioners, type RecordMetadata } from 'kafkajs';
import { RETRY, type Connect } from './client.js';
import type { PlacedMessage } from './records.js';

/** One producer id and its sequence numbers. */
export interface IdempotentProducer {
  /** Never called again before the last call has settled, and never after one has failed. */
  send(messages: readonly PlacedMessage[]): Promise<readonly RecordMetadata[]>;
  /** Nothing of it reaches the broker any more. */
  cut(): void;
  close(): Promise<void>;
}

export interface ProducerSettings {
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
