import type { EachBatchPayload } from 'kafkajs';
import { settledWithin } from '../../platform/async/abort.js';
import { type Backoff, backoffMs, pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { BatchHandler, BusBatch } from '../../ports/event-bus.js';
import { fromRecord, receivedRecord } from './record-codec.js';

/** Takes one batch through the handler, as often as needed, and commits its offset. */
interface PartitionWorker {
  /** Never rejects. */
  readonly done: Promise<void>;
  /** Resolves when it is done or has failed once: kafkajs need not wait any longer. */
  readonly passed: Promise<void>;
  /** The partition belongs to another member now. */
  takeAway(): void;
}

interface PartitionWorkerOptions {
  readonly payload: EachBatchPayload;
  readonly handler: BatchHandler;
  readonly redelivery: Backoff;
  /** No further attempt. */
  readonly leaving: AbortSignal;
  readonly logger: Logger;
  /** Its handler threw, and will be called again. */
  readonly onFailed: () => void;
  readonly onHandled: () => void;
}

const COMMIT_ATTEMPTS = 5;
const COMMIT_BACKOFF: Backoff = { baseMs: 100, maxMs: 2_000 };

const startPartitionWorker = (options: PartitionWorkerOptions): PartitionWorker => {
  const { payload, handler, redelivery, leaving, logger, onFailed, onHandled } = options;
  const { batch } = payload;
  const place = { partition: batch.partition, offset: batch.firstOffset() };
  const taken = new AbortController();
  const isTaken = () => taken.signal.aborted;
  const isLeaving = () => leaving.aborted;
  let pass = (): void => undefined;
  const passed = new Promise<void>((resolve) => (pass = resolve));

  const handled = async (): Promise<boolean> => {
    for (let attempt = 0; !isTaken(); attempt += 1) {
      try {
        await handler(toBatch(payload, taken.signal));
        if (!isTaken()) onHandled();
        return true;
      } catch (error) {
        pass();
        // Its signal was aborted: it may stop in the middle.
        if (isTaken() || isLeaving()) break;
        onFailed();
        logger.warn('Redelivering a batch', { ...place, attempt, error });
        await pause(backoffMs(attempt, redelivery), AbortSignal.any([taken.signal, leaving]));
        if (isLeaving()) break;
      }
    }
    return false;
  };

  const commit = async (): Promise<void> => {
    const { topic, partition } = batch;
    const offset = (BigInt(batch.lastOffset()) + 1n).toString();
    const offsets = { topics: [{ topic, partitions: [{ partition, offset }] }] };
    for (let attempt = 0; !isTaken(); attempt += 1) {
      try {
        await payload.commitOffsetsIfNecessary(offsets);
        return;
      } catch (error) {
        // During a rebalance there is nobody to commit to.
        pass();
        if (attempt + 1 === COMMIT_ATTEMPTS) {
          logger.warn('An offset was not committed; its batch may come again', { ...place, error });
          return;
        }
        await pause(backoffMs(attempt, COMMIT_BACKOFF), taken.signal);
      }
    }
  };

  const run = async (): Promise<void> => {
    if ((await handled()) && !isTaken()) await commit();
  };
  return { done: run().finally(pass), passed, takeAway: () => taken.abort() };
};

const toBatch = (payload: EachBatchPayload, signal: AbortSignal): BusBatch => {
  const { batch } = payload;
  const { partition, messages } = batch;
  return {
    partition,
    items: messages.map((message) => fromRecord(receivedRecord(partition, message))),
    waiting: Math.max(0, Number(BigInt(batch.highWatermark) - BigInt(batch.lastOffset()) - 1n)),
    // What it reports, mostly a rebalance, the consumer's own loop sees too.
    heartbeat: () => payload.heartbeat().catch(() => undefined),
    signal,
  };
};

/** Pauses and resumes fetching of the current membership. */
export interface Fetching {
  hold(partition: number): void;
  release(partition: number): void;
  holdAll(): void;
}

export interface PartitionWorkersOptions {
  readonly handler: BatchHandler;
  /** How long other partitions wait for a handler before it goes on beside them. */
  readonly patienceMs: number;
  readonly redelivery: Backoff;
  readonly logger: Logger;
  readonly monotonic: () => number;
}

export interface PartitionWorkers {
  /** Takes one batch of kafkajs; when it resolves the batch counts as read, not as handled. */
  readonly take: (payload: EachBatchPayload) => Promise<void>;
  /** After each rebalance, before anything is fetched. */
  assigned(partitions: readonly number[], by: Fetching): void;
  /** Whether a batch has been failing for so long. */
  failFor(ms: number): boolean;
  /** The membership is lost, and with it every partition. */
  interrupt(): void;
  /** Waits for the handlers, aborts those that are late, and waits once more. */
  stop(timeoutMs: number): Promise<void>;
}

/**
 * One worker for each partition with a batch in the handler. kafkajs fetches nothing more, joins no
 * rebalance and sends no heartbeat until every batch of a fetch is returned. So a slow or failing
 * batch is returned unfinished, its partition is paused, and the worker goes on beside it.
 */
export const createPartitionWorkers = (options: PartitionWorkersOptions): PartitionWorkers => {
  const { patienceMs, monotonic } = options;
  const workers = new Map<number, PartitionWorker>();
  /** Since when the batch of a partition keeps failing. */
  const failing = new Map<number, number>();
  const leaving = new AbortController();
  const isLeaving = () => leaving.signal.aborted;
  let fetching: Fetching | null = null;

  const follow = async (partition: number, worker: PartitionWorker): Promise<void> => {
    await worker.done;
    workers.delete(partition);
    if (!isLeaving()) fetching?.release(partition);
  };

  const take = async (payload: EachBatchPayload): Promise<void> => {
    const { batch } = payload;
    if (isLeaving()) return;
    if (workers.has(batch.partition)) return fetching?.hold(batch.partition);
    const worker = startPartitionWorker({
      ...options,
      payload,
      leaving: leaving.signal,
      onFailed: () => {
        if (!failing.has(batch.partition)) failing.set(batch.partition, monotonic());
      },
      onHandled: () => failing.delete(batch.partition),
    });
    workers.set(batch.partition, worker);
    const followed = follow(batch.partition, worker);
    await settledWithin(Promise.race([followed, worker.passed]), patienceMs);
    if (isLeaving()) return;
    if (workers.get(batch.partition) === worker) fetching?.hold(batch.partition);
    payload.resolveOffset(batch.lastOffset());
  };

  return {
    take,

    assigned(partitions, by) {
      fetching = by;
      for (const [partition, worker] of workers) {
        if (!partitions.includes(partition)) worker.takeAway();
      }
      for (const partition of failing.keys()) {
        if (!partitions.includes(partition)) failing.delete(partition);
      }
      for (const partition of partitions) {
        if (workers.has(partition)) by.hold(partition);
        else by.release(partition);
      }
      if (isLeaving()) by.holdAll();
    },

    failFor(ms) {
      const now = monotonic();
      return [...failing.values()].some((since) => now - since >= ms);
    },

    interrupt() {
      fetching = null;
      for (const worker of workers.values()) worker.takeAway();
    },

    async stop(timeoutMs) {
      leaving.abort();
      fetching?.holdAll();
      const idle = Promise.all([...workers.values()].map(({ done }) => done));
      const isIdle = await settledWithin(idle, timeoutMs);
      for (const worker of workers.values()) worker.takeAway();
      if (!isIdle) await settledWithin(idle, timeoutMs);
    },
  };
};
