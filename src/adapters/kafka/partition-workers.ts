import type { EachBatchPayload } from 'kafkajs';
import type { BatchHandler } from '../../ports/event-bus.js';
import type { Logger } from '../../platform/observability/logger.js';
import { pause, type Backoff } from '../../platform/async/retry.js';
import { startPartitionWorker, type PartitionWorker } from './partition-worker.js';

/** What may be fetched by the consumer that is at work. */
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

/**
 * One worker for each partition with a batch in the handler. kafkajs fetches nothing more, joins no
 * rebalance and sends no heartbeat until it has every batch of a fetch back; so it gets a slow or
 * failing one back unfinished, with its partition held, and the worker goes on beside it.
 */
export const createPartitionWorkers = (options: PartitionWorkersOptions) => {
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
      ...{ ...options, payload, leaving: leaving.signal },
      onFailed: () => {
        if (!failing.has(batch.partition)) failing.set(batch.partition, monotonic());
      },
      onHandled: () => failing.delete(batch.partition),
    });
    workers.set(batch.partition, worker);
    const followed = follow(batch.partition, worker);
    const patient = new AbortController();
    await Promise.race([followed, worker.passed, pause(patienceMs, patient.signal)]);
    patient.abort();
    if (isLeaving()) return;
    if (workers.get(batch.partition) === worker) fetching?.hold(batch.partition);
    payload.resolveOffset(batch.lastOffset());
  };

  return {
    /** Takes one batch of kafkajs; when it resolves the batch counts as read, not as handled. */
    take,

    /** After each time that the group was shared out, before anything is fetched. */
    assigned(partitions: readonly number[], by: Fetching): void {
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

    /** Whether a batch has been failing for so long. */
    failFor(ms: number): boolean {
      const now = monotonic();
      return [...failing.values()].some((since) => now - since >= ms);
    },

    /** The membership is lost, and every partition with it. */
    interrupt(): void {
      fetching = null;
      for (const worker of workers.values()) worker.takeAway();
    },

    /** Waits for the handlers, tells those that are late to leave, and waits a last time. */
    async stop(timeoutMs: number): Promise<void> {
      leaving.abort();
      fetching?.holdAll();
      const idle = Promise.all([...workers.values()].map(({ done }) => done));
      const timer = new AbortController();
      await Promise.race([idle, pause(timeoutMs, timer.signal)]);
      for (const worker of workers.values()) worker.takeAway();
      await Promise.race([idle, pause(timeoutMs, timer.signal)]);
      timer.abort();
    },
  };
};

export type PartitionWorkers = ReturnType<typeof createPartitionWorkers>;
