import type { EachBatchPayload } from 'kafkajs';
import { settledWithin } from '../../platform/async/abort.js';
import { type Backoff, backoffMs, pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { BatchHandler } from '../../ports/event-bus.js';
import { busBatchOf } from './record-codec.js';
import { createCommitter } from './topics.js';

/** Takes the batches of one partition through the handler in order, and commits their offsets. */
interface PartitionWorker {
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

interface PartitionWorkerOptions extends Omit<PartitionWorkersOptions, 'patienceMs' | 'monotonic'> {
  readonly first: EachBatchPayload;
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

const startPartitionWorker = (options: PartitionWorkerOptions): PartitionWorker => {
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
