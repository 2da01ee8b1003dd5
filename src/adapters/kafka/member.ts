import kafkajs, { type Consumer } from 'kafkajs';
import { UnavailableError } from '../../ports/errors.js';
import { within } from '../../platform/async/abort.js';
import { RETRY, type KafkaClient } from './client.js';
import { busError, gone } from './errors.js';
import type { Fetching, PartitionWorkers } from './partition-workers.js';

export interface GroupTimings {
  /** A killed member holds its partitions for so long. */
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatMs: number;
  /** How long the broker holds an answer back that would be empty. */
  readonly maxWaitMs: number;
  readonly maxBytesPerPartition: number;
  readonly joinTimeoutMs: number;
  /** After so long without an answer to a fetch the consumer is taken for dead. */
  readonly stallTimeoutMs: number;
}

export interface MemberOptions extends GroupTimings {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  readonly workers: PartitionWorkers;
  readonly signal: AbortSignal;
}

/** One membership, from joining the group to a crash or the goodbye. */
export interface Member {
  /** Resolves with what ended it. */
  readonly crashed: Promise<Error>;
  /** Resolves once records could be asked for. */
  readonly fetched: Promise<void>;
  leave(): Promise<void>;
}

export const joinGroup = async (options: MemberOptions): Promise<Member> => {
  const { client, topic, partitions, workers, joinTimeoutMs, signal } = options;
  const consumer = consumerOf(options);
  const { GROUP_JOIN } = consumer.events;
  const { crashed, fetched } = watch(consumer, options.stallTimeoutMs);
  const fetching = fetchingOf(consumer, topic);
  const joined = new Promise<null>((resolve) => {
    consumer.on(GROUP_JOIN, ({ payload }) => {
      workers.assigned(payload.memberAssignment[topic] ?? [], fetching);
      resolve(null);
    });
  });

  const join = async (): Promise<void> => {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: partitions,
      eachBatch: workers.take,
    });
    const failure = await Promise.race([joined, crashed]);
    if (failure !== null) throw failure;
  };

  const leave = () => client.close(() => consumer.disconnect());
  let abandon = (): void => undefined;
  const abandoned = new Promise<never>((_, reject) => (abandon = () => reject(gone())));
  signal.addEventListener('abort', abandon);
  try {
    await within(joinTimeoutMs, Promise.race([join(), abandoned]), late);
  } catch (error) {
    client.cut();
    workers.interrupt();
    void leave();
    throw busError(error);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
  return { crashed, fetched, leave };
};

const late = () => new UnavailableError('Kafka did not let the consumer into its group in time.');

const consumerOf = (options: MemberOptions): Consumer =>
  options.client.kafka.consumer({
    groupId: options.group,
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: options.rebalanceTimeoutMs,
    heartbeatInterval: options.heartbeatMs,
    maxWaitTimeInMs: options.maxWaitMs,
    maxBytesPerPartition: options.maxBytesPerPartition,
    allowAutoTopicCreation: false,
    // A crashed consumer is made anew with fresh connections; kafkajs would keep the old ones.
    retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
  });

/** A crash is announced only after a goodbye that can hang, so silence counts as one too. */
const watch = (consumer: Consumer, stallTimeoutMs: number) => {
  const { CRASH, DISCONNECT, FETCH } = consumer.events;
  let stall: NodeJS.Timeout | undefined;
  const crashed = new Promise<Error>((resolve) => {
    consumer.on(CRASH, ({ payload }) => resolve(payload.error));
    const stalled = () => resolve(new UnavailableError('The consumer fetches nothing any more.'));
    stall = setTimeout(stalled, stallTimeoutMs).unref();
  });
  consumer.on(DISCONNECT, () => clearTimeout(stall));
  const fetched = new Promise<void>((resolve) => {
    consumer.on(FETCH, () => {
      stall?.refresh();
      resolve();
    });
  });
  return { crashed, fetched };
};

const fetchingOf = (consumer: Consumer, topic: string): Fetching => ({
  hold: (partition) => unlessEnded(() => consumer.pause([{ topic, partitions: [partition] }])),
  release: (partition) => unlessEnded(() => consumer.resume([{ topic, partitions: [partition] }])),
  holdAll: () => unlessEnded(() => consumer.pause([{ topic }])),
});

/** A consumer that has just crashed or stopped has nothing to hold, and says so by throwing. */
const unlessEnded = (act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof kafkajs.KafkaJSError)) throw error;
  }
};
