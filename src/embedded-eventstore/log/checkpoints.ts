import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { EventLogLogger } from './event-log.js';

export interface CheckpointDone {
  /** Why nothing or not everything was moved. */
  readonly failure?: string;
}

export interface Checkpoints {
  /** Called after each transaction. */
  committed(): void;
  /** Resolves when the thread has ended. */
  close(): Promise<void>;
}

const CHECKPOINT_THREAD = new URL('./checkpoint-thread.js', import.meta.url);

/** A checkpoint of so many takes a few milliseconds. */
const TRANSACTIONS_PER_CHECKPOINT = 50;

/**
 * Moves what was committed from the write-ahead log into the database in a thread of its own. The writer would
 * do it within a commit, and appends would wait for it.
 */
export const startCheckpoints = (path: string, logger: EventLogLogger): Checkpoints => {
  const worker = new Worker(CHECKPOINT_THREAD, { workerData: { path } });
  const ended = once(worker, 'exit').catch(() => undefined);
  let transactions = 0;
  let isRunning = false;
  let isClosing = false;

  const next = (): void => {
    if (isRunning || isClosing || transactions < TRANSACTIONS_PER_CHECKPOINT) return;
    transactions = 0;
    isRunning = true;
    worker.postMessage('checkpoint');
  };

  // Nothing is lost: the writer checkpoints a log that has grown too long.
  const failed = (reason: string): void =>
    logger.warn('event log checkpoint failed', { path, reason });

  worker.on('message', ({ failure }: CheckpointDone) => {
    isRunning = false;
    if (failure !== undefined) failed(failure);
    next();
  });
  worker.on('error', (error) => {
    isClosing = true;
    failed(error.message);
  });

  return {
    committed: (): void => {
      transactions += 1;
      next();
    },
    close: async (): Promise<void> => {
      isClosing = true;
      worker.postMessage('close');
      await ended;
    },
  };
};
