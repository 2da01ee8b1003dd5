import type { EventEmitter } from 'node:events';
import { status } from '@grpc/grpc-js';
import { setTimeout as delay } from 'node:timers/promises';
import { RpcError, timedOut, unavailable } from './rpc-error.js';

const STOPPING = 'The server is stopping.';

export interface Calls {
  readonly stopping: boolean;
  /**
   * Rejects, and aborts the signal, with the RpcError to send if the client disconnects or the
   * server stops before the work is done.
   */
  run<T>(call: EventEmitter, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Registers a write that must finish before the server stops. */
  finish<T>(work: Promise<T>): Promise<T>;
  stop(drainTimeoutMs: number): Promise<void>;
}

/**
 * Tracks calls so that the server stops in order: refuse new work, answer writes in progress, then
 * end subscriptions.
 */
export const createCalls = (): Calls => {
  const open = new Set<AbortController>();
  const writes = new Set<Promise<unknown>>();
  let stopping = false;

  return {
    get stopping() {
      return stopping;
    },

    async run<T>(call: EventEmitter, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
      if (stopping) throw unavailable(STOPPING);
      const controller = new AbortController();
      const cancel = () => controller.abort(new RpcError(status.CANCELLED, 'Cancelled.'));
      open.add(controller);
      call.once('cancelled', cancel);
      try {
        return await Promise.race([work(controller.signal), aborted(controller.signal)]);
      } finally {
        open.delete(controller);
        call.off('cancelled', cancel);
      }
    },

    async finish<T>(work: Promise<T>): Promise<T> {
      writes.add(work);
      try {
        return await work;
      } finally {
        writes.delete(work);
      }
    },

    async stop(drainTimeoutMs: number): Promise<void> {
      stopping = true;
      const drained = new AbortController();
      const settled = Promise.allSettled(writes).then(() => drained.abort());
      await Promise.race([settled, abortablePause(drainTimeoutMs, drained.signal)]);
      for (const controller of open) controller.abort(unavailable(STOPPING));
    },
  };
};

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

/** Waits for a write up to the time-out. A late write may still happen; its outcome is dropped. */
export const confirmedWithin = async <T>(work: Promise<T>, timeoutMs: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(timedOut('Operation timed out: the write was not confirmed in time.')),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Resolves after the delay or as soon as the signal aborts; never rejects. */
export const abortablePause = async (ms: number, signal: AbortSignal): Promise<void> => {
  await delay(ms, undefined, { signal }).catch(() => undefined);
};
