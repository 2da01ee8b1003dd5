import { setTimeout as delay } from 'node:timers/promises';

export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Exponential with jitter, so that clients that failed together do not retry together. */
export const backoffMs = (
  attempt: number,
  { baseMs, maxMs }: Backoff,
  random = Math.random,
): number => Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30)) * (0.5 + random() / 2);

/** Resolves after the time or as soon as the signal aborts, never rejects. */
export const pause = async (ms: number, signal?: AbortSignal): Promise<void> => {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
};

export interface RetryOptions {
  readonly backoff: Backoff;
  /** Ends the waiting; the last failure is thrown then. */
  readonly signal?: AbortSignal;
  /** Whether this failure is worth another attempt; all others are thrown. */
  readonly retriable: (error: unknown, attempt: number) => boolean;
  /** Sees each failure that is retried, before the wait. */
  readonly onFailure?: (error: unknown, attempt: number) => void | Promise<void>;
}

/** The first result. `attempt` counts from 0. */
export const retry = async <T>(
  work: (attempt: number) => Promise<T>,
  { backoff, signal, retriable, onFailure }: RetryOptions,
): Promise<T> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      if (!retriable(error, attempt)) throw error;
      await onFailure?.(error, attempt);
      if (signal?.aborted !== true) await pause(backoffMs(attempt, backoff), signal);
      if (signal?.aborted === true) throw error;
    }
  }
};

/** Runs the work again and again, `everyMs` after its end, until the signal aborts. */
export const repeat = async (
  work: () => Promise<void>,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    await work();
    await pause(everyMs, signal);
  }
};
