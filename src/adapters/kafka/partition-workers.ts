import type { EachBatchPayload } from 'kafkajs';
import { settledWithin } from '../../platform/async/abort.js';
import type { Backoff } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { BatchHandler } from '../../ports/event-bus.js';
import { type PartitionWorker, startPartitionWorker } from './partition-worker.js';

/** Pauses and resumes fetching of the current membership. */
export interface Fetching {
  hold(partition: number): void;
  release(partition: number): void;
  holdAll(): void;
}

export interface PartitionWorkersOptions {
  readonly handler: BatchHandler;
  /** How long other partitions wait for one whose queue is full before it is paused. */
  readonly patienceMs: number;
  readonly redelivery: Backoff;
  readonly logger: Logger;
  readonly monotonic: () => number;
}

export interface PartitionWorkers {
  /** Queues one batch of kafkajs; when it resolves the batch counts as read, not as handled. */
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
 * rebalance and sends no heartbeat until every batch of a fetch is returned. So a batch is returned
 * when it is queued, and the next fetch goes on beside the handlers. A partition whose queue stays
 * full is paused.
 */
export const createPartitionWorkers = (options: PartitionWorkersOptions): PartitionWorkers => {
  const { patienceMs, monotonic } = options;
  const workers = new Map<number, PartitionWorker>();
  /** Partitions that are not fetched. */
  const held = new Set<number>();
  /** Since when the batch of a partition keeps failing. */
  const failing = new Map<number, number>();
  const leaving = new AbortController();
  const isLeaving = () => leaving.signal.aborted;
  let fetching: Fetching | null = null;

  const hold = (partition: number): void => {
    held.add(partition);
    fetching?.hold(partition);
  };

  const release = (partition: number): void => {
    if (!isLeaving() && held.delete(partition)) fetching?.release(partition);
  };

  const start = (first: EachBatchPayload): PartitionWorker => {
    const { partition } = first.batch;
    const worker = startPartitionWorker({
      ...options,
      first,
      leaving: leaving.signal,
      onFailed: () => {
        if (!failing.has(partition)) failing.set(partition, monotonic());
      },
      onHandled: () => failing.delete(partition),
      onDone: () => {
        workers.delete(partition);
        release(partition);
      },
    });
    workers.set(partition, worker);
    return worker;
  };

  const take = async (payload: EachBatchPayload): Promise<void> => {
    const { partition } = payload.batch;
    if (isLeaving()) return;
    const running = workers.get(partition);
    if (running?.add(payload) === false) {
      hold(partition);
      return;
    }
    const worker = running ?? start(payload);
    payload.resolveOffset(payload.batch.lastOffset());
    const room = worker.room();
    if (room === null || (await settledWithin(room, patienceMs))) return;
    if (isLeaving() || workers.get(partition) !== worker) return;
    hold(partition);
    void room.then((accepting) => {
      if (accepting) release(partition);
    });
  };

  return {
    take,

    assigned(partitions, by) {
      fetching = by;
      held.clear();
      for (const [partition, worker] of workers) {
        if (!partitions.includes(partition)) worker.takeAway();
        // Fetching begins again at the committed offset.
        else worker.retire();
      }
      for (const partition of failing.keys()) {
        if (!partitions.includes(partition)) failing.delete(partition);
      }
      for (const partition of partitions) {
        if (workers.has(partition)) hold(partition);
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
      const running = [...workers.values()];
      const idle = Promise.all(running.map(({ done }) => done));
      const isIdle = await settledWithin(idle, timeoutMs);
      for (const worker of running) worker.takeAway();
      if (!isIdle) await settledWithin(idle, timeoutMs);
    },
  };
};
