import type { EachBatchPayload } from 'kafkajs';
import type { BatchHandler, RecordBatch } from '../../ports/event-bus.js';
import type { Logger } from '../../platform/observability/logger.js';
import { backoffMs, pause, type Backoff } from '../../platform/async/retry.js';
import { toRecord } from './records.js';

/** The way of one batch through the handler, as often as it takes, to its committed offset. */
export interface PartitionWorker {
  /** Never rejects. */
  readonly done: Promise<void>;
  /** Resolves when nobody should wait for it any longer: it is done, or something has failed. */
  readonly passed: Promise<void>;
  /** The partition is somebody else's now. */
  takeAway(): void;
}

export interface PartitionWorkerOptions {
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

export const startPartitionWorker = (options: PartitionWorkerOptions): PartitionWorker => {
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
        // It was told to leave.
        if (isTaken() || isLeaving()) break;
        onFailed();
        logger.warn('A batch is delivered again', { ...place, attempt, error });
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
        // While the group is being shared out anew there is nobody to commit to.
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

const toBatch = (payload: EachBatchPayload, signal: AbortSignal): RecordBatch => {
  const { batch } = payload;
  const { partition, messages } = batch;
  return {
    partition,
    records: messages.map((message) => toRecord(partition, message)),
    waiting: Math.max(0, Number(BigInt(batch.highWatermark) - BigInt(batch.lastOffset()) - 1n)),
    // Whatever it finds, a rebalance most of all, the consumer's own loop finds as well.
    heartbeat: () => payload.heartbeat().catch(() => undefined),
    signal,
  };
};
