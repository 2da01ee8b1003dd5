import kafkajs, { type Consumer } from 'kafkajs';
import { within } from '../../platform/async/abort.js';
import { type Backoff, backoffMs, pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import { UnavailableError } from '../../ports/errors.js';
import type { BatchHandler, BusConsumer } from '../../ports/event-bus.js';
import {
  busClosed,
  busError,
  CLIENT_RETRY,
  type Connect,
  isHopeless,
  type KafkaClient,
} from './client.js';
import {
  createPartitionWorkers,
  type Fetching,
  type PartitionWorkers,
} from './partition-workers.js';

interface GroupTimings {
  /** How long a killed member keeps its partitions. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** How long the broker delays an empty response to a fetch. */
  readonly maxWaitMs: number;
  readonly maxBytesPerPartition: number;
}

const REBALANCE_TIMEOUT_MS = 15_000;
const JOIN_TIMEOUT_MS = 30_000;
/** A consumer without a response to a fetch for this long counts as crashed. */
const STALL_TIMEOUT_MS = 30_000;
/** The wait before a crashed consumer is replaced. */
const REJOIN_BACKOFF: Backoff = { baseMs: 200, maxMs: 5_000 };

interface MemberOptions extends GroupTimings {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  readonly workers: PartitionWorkers;
  readonly signal: AbortSignal;
}

/** One membership, from joining the group to a crash or leaving it. */
interface Membership {
  /** Resolves with what ended it. */
  readonly crashed: Promise<Error>;
  /** Resolves once records were fetched. */
  readonly fetched: Promise<void>;
  leave(): Promise<void>;
}

const joinGroup = async (options: MemberOptions): Promise<Membership> => {
  const { client, topic, partitions, workers, signal } = options;
  const consumer = consumerOf(options);
  const { GROUP_JOIN } = consumer.events;
  const { crashed, fetched } = watch(consumer);
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
  const abandoned = new Promise<never>((_, reject) => (abandon = () => reject(busClosed())));
  signal.addEventListener('abort', abandon);
  try {
    await within(JOIN_TIMEOUT_MS, Promise.race([join(), abandoned]), joinTimeout);
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

const joinTimeout = () =>
  new UnavailableError('Kafka did not let the consumer into its group in time.');

const consumerOf = (options: MemberOptions): Consumer =>
  options.client.kafka.consumer({
    groupId: options.group,
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    heartbeatInterval: options.heartbeatMs,
    maxWaitTimeInMs: options.maxWaitMs,
    maxBytesPerPartition: options.maxBytesPerPartition,
    allowAutoTopicCreation: false,
    // A crashed consumer is created again with new connections; kafkajs would keep the old ones.
    retry: { ...CLIENT_RETRY, restartOnFailure: () => Promise.resolve(false) },
  });

/** kafkajs reports a crash only after a disconnect that can hang, so silence counts as one too. */
const watch = (consumer: Consumer) => {
  const { CRASH, DISCONNECT, FETCH } = consumer.events;
  let stall: NodeJS.Timeout | undefined;
  const crashed = new Promise<Error>((resolve) => {
    consumer.on(CRASH, ({ payload }) => resolve(payload.error));
    const stalled = () => resolve(new UnavailableError('The consumer has stopped fetching.'));
    stall = setTimeout(stalled, STALL_TIMEOUT_MS).unref();
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

/** A consumer that has just crashed or stopped throws: it has nothing to pause. */
const unlessEnded = (act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof kafkajs.KafkaJSError)) throw error;
  }
};

export interface ConsumerOptions extends GroupTimings {
  readonly connect: Connect;
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  readonly patienceMs: number;
  readonly redelivery: Backoff;
  readonly stopTimeoutMs: number;
  /** A batch that keeps failing for this long makes the consumer unhealthy. */
  readonly unhealthyAfterMs: number;
  readonly logger: Logger;
}

/** A member of its group until it is stopped: a membership that crashes is followed by another. */
export const createConsumer = (options: ConsumerOptions): BusConsumer => {
  const { connect, stopTimeoutMs, unhealthyAfterMs } = options;
  const logger = options.logger.child({ group: options.group });
  const leaving = new AbortController();
  const isLeaving = () => leaving.signal.aborted;
  let workers: PartitionWorkers | undefined;
  let member: Membership | undefined;
  let keeping: Promise<void> | undefined;
  let healthy = false;
  let stopped: Promise<void> | undefined;

  const join = async (into: PartitionWorkers): Promise<Membership> => {
    if (isLeaving()) throw busClosed();
    return joinGroup({ ...options, client: connect(), workers: into, signal: leaving.signal });
  };

  const joinAgain = async (
    into: PartitionWorkers,
    attempts: number,
  ): Promise<Membership | undefined> => {
    // Not `retry`: this waits before the first attempt too, and its backoff continues from earlier crashes.
    for (let attempt = attempts; ; attempt += 1) {
      await pause(backoffMs(attempt, REJOIN_BACKOFF), leaving.signal);
      if (isLeaving()) return undefined;
      try {
        return await join(into);
      } catch (error) {
        if (!isLeaving()) logger.warn('Could not join the consumer group; retrying', { error });
      }
    }
  };

  const keep = async (into: PartitionWorkers): Promise<void> => {
    const left = new Promise<null>((resolve) => {
      leaving.signal.addEventListener('abort', () => resolve(null), { once: true });
    });
    for (let crashes = 0; member !== undefined; crashes += 1) {
      const error = await Promise.race([left, member.crashed]);
      if (error === null) return;
      healthy = false;
      into.interrupt();
      await member.leave();
      if (isHopeless(error)) {
        logger.error('The topic holds records that this client cannot read', { error });
        return;
      }
      logger.warn('The consumer crashed; creating a new one', { crashes, error });
      const revived = (member = await joinAgain(into, crashes));
      void revived?.fetched.then(() => {
        if (revived !== member || isLeaving()) return;
        healthy = true;
        crashes = 0;
      });
    }
  };

  const stop = async (): Promise<void> => {
    healthy = false;
    leaving.abort();
    await workers?.stop(stopTimeoutMs);
    await keeping;
    await member?.leave();
  };

  return {
    async start(handler: BatchHandler) {
      if (workers !== undefined) throw new TypeError('A consumer starts once.');
      const monotonic = () => performance.now();
      const made = (workers = createPartitionWorkers({ ...options, handler, logger, monotonic }));
      try {
        member = await join(made);
      } catch (error) {
        // It may be started again when the brokers are back.
        workers = undefined;
        throw error;
      }
      if (isLeaving()) {
        await member.leave();
        throw busClosed();
      }
      healthy = true;
      keeping = keep(made);
    },
    stop: () => (stopped ??= stop()),
    healthy: () => healthy && workers?.failFor(unhealthyAfterMs) !== true,
  };
};
