import type { EachBatchPayload } from 'kafkajs';
import { type Backoff, backoffMs, pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { BatchHandler, BusBatch } from '../../ports/event-bus.js';
import { fromRecord, receivedRecord } from './record-codec.js';

/** Takes the batches of one partition through the handler in order, and commits their offsets. */
export interface PartitionWorker {
  /** Queues a batch; false if this worker accepts none any more. */
  add(payload: EachBatchPayload): boolean;
  /** Null if the queue has room; else resolves once it has, with false if none are accepted then. */
  room(): Promise<boolean> | null;
  /** Finishes the batch in the handler and drops those behind it, which are fetched again. */
  retire(): void;
  /** The partition belongs to another member now. */
  takeAway(): void;
  /** Never rejects. */
  readonly done: Promise<void>;
}

interface PartitionWorkerOptions {
  readonly first: EachBatchPayload;
  readonly handler: BatchHandler;
  readonly redelivery: Backoff;
  readonly logger: Logger;
  /** No further attempt. */
  readonly leaving: AbortSignal;
  /** Its handler threw, and will be called again. */
  readonly onFailed: () => void;
  readonly onHandled: () => void;
  /** Called in the turn in which the last batch is done: a later one needs another worker. */
  readonly onDone: () => void;
}

/** Queued batches are handled as one, up to this number of messages. */
const MAX_HANDLED = 1_000;
/** Enough to keep the handler busy during the next fetch. */
const MAX_QUEUED = 1_000;

export const startPartitionWorker = (options: PartitionWorkerOptions): PartitionWorker => {
  const { first, handler, redelivery, leaving, logger, onFailed, onHandled, onDone } = options;
  const { partition } = first.batch;
  const taken = new AbortController();
  const isTaken = () => taken.signal.aborted;
  const isLeaving = () => leaving.aborted;
  const committer = createCommitter(taken.signal, logger);
  const queue: EachBatchPayload[] = [first];
  let accepting = true;
  let roomMade: Promise<boolean> | null = null;
  let makeRoom: (accepting: boolean) => void = () => undefined;

  const queued = () => queue.reduce((sum, { batch }) => sum + batch.messages.length, 0);
  const isFull = () => accepting && queued() >= MAX_QUEUED;

  const noteRoom = (): void => {
    if (isFull()) return;
    roomMade = null;
    makeRoom(accepting);
  };

  const handled = async (payloads: readonly EachBatchPayload[]): Promise<boolean> => {
    for (let attempt = 0; !isTaken(); attempt += 1) {
      try {
        await handler(busBatchOf(payloads, queue, taken.signal));
        if (!isTaken()) onHandled();
        return true;
      } catch (error) {
        // Its signal was aborted: it may stop in the middle.
        if (isTaken() || isLeaving()) break;
        onFailed();
        const offset = payloads[0]?.batch.firstOffset();
        logger.warn('Redelivering a batch', { partition, offset, attempt, error });
        await pause(backoffMs(attempt, redelivery), AbortSignal.any([taken.signal, leaving]));
        if (isLeaving()) break;
      }
    }
    return false;
  };

  const handleQueue = async (): Promise<void> => {
    while (queue.length > 0) {
      const payloads = takeBatches(queue);
      noteRoom();
      if (!(await handled(payloads)) || isTaken()) break;
      // The next batch does not wait for the commit: an offset may lag behind the documents.
      committer.commit(payloads.at(-1));
      if (isLeaving()) break;
      if (queue.length === 0) await committer.done();
    }
    // In the same turn as the last look at the queue: nothing is added to it between.
    retire();
    onDone();
    await committer.done();
  };

  const retire = (): void => {
    accepting = false;
    queue.length = 0;
    noteRoom();
  };

  return {
    add: (payload) => {
      if (accepting) queue.push(payload);
      return accepting;
    },
    room: () => (isFull() ? (roomMade ??= new Promise((resolve) => (makeRoom = resolve))) : null),
    retire,
    takeAway: () => {
      taken.abort();
      retire();
    },
    done: handleQueue(),
  };
};

/** Removes the batches that are handled next from the queue: at least one. */
const takeBatches = (queue: EachBatchPayload[]): readonly EachBatchPayload[] => {
  let messages = 0;
  const end = queue.findIndex(({ batch }, index) => {
    messages += batch.messages.length;
    return index > 0 && messages > MAX_HANDLED;
  });
  return queue.splice(0, end < 0 ? queue.length : end);
};

/** Fetched batches of one partition as one; `queued` are those that were fetched after them. */
const busBatchOf = (
  payloads: readonly EachBatchPayload[],
  queued: readonly EachBatchPayload[],
  signal: AbortSignal,
): BusBatch => {
  const last = payloads.at(-1);
  if (last === undefined) throw new TypeError('A batch comes from at least one fetch.');
  const { partition } = last.batch;
  const { highWatermark } = (queued.at(-1) ?? last).batch;
  return {
    partition,
    items: payloads.flatMap(({ batch }) =>
      batch.messages.map((message) => fromRecord(receivedRecord(partition, message))),
    ),
    waiting: Math.max(0, Number(BigInt(highWatermark) - BigInt(last.batch.lastOffset()) - 1n)),
    // The consumer's own loop sees the same error, mostly a rebalance.
    heartbeat: () => last.heartbeat().catch(() => undefined),
    signal,
  };
};

const COMMIT_ATTEMPTS = 5;
const COMMIT_BACKOFF: Backoff = { baseMs: 100, maxMs: 2_000 };

/** Commits the offset after a batch, one call at a time; those in between are left out. */
const createCommitter = (taken: AbortSignal, logger: Logger) => {
  let next: EachBatchPayload | undefined;
  let committing: Promise<void> | null = null;

  const commit = async (payload: EachBatchPayload): Promise<void> => {
    const { topic, partition } = payload.batch;
    const offset = String(BigInt(payload.batch.lastOffset()) + 1n);
    const topics = [{ topic, partitions: [{ partition, offset }] }];
    for (let attempt = 0; !taken.aborted; attempt += 1) {
      try {
        await payload.commitOffsetsIfNecessary({ topics });
        return;
      } catch (error) {
        if (attempt + 1 === COMMIT_ATTEMPTS) {
          const where = { partition, offset, error };
          logger.warn('An offset was not committed; its batch may come again', where);
          return;
        }
        // During a rebalance the coordinator accepts no commit.
        await pause(backoffMs(attempt, COMMIT_BACKOFF), taken);
      }
    }
  };

  const commitAll = async (): Promise<void> => {
    while (next !== undefined) {
      const payload = next;
      next = undefined;
      await commit(payload);
    }
    committing = null;
  };

  return {
    commit: (payload: EachBatchPayload | undefined): void => {
      next = payload;
      committing ??= commitAll();
    },
    done: (): Promise<void> => committing ?? Promise.resolve(),
  };
};
