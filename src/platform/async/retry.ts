import { setTimeout as delay } from 'node:timers/promises';

export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Exponential with full jitter: many that failed together do not come back together. */
export const backoffMs = (
  attempt: number,
  { baseMs, maxMs }: Backoff,
  random = Math.random,
): number => Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30)) * (0.5 + random() / 2);

/** Resolves after the time or as soon as the signal aborts, never rejects. */
export const pause = async (ms: number, signal?: AbortSignal): Promise<void> => {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
};
