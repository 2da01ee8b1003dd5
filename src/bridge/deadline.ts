import { pause } from '../platform/retry.js';

/** A signal that aborts so long after another one has, unless it is cancelled before. */
export const deadlineAfter = (signal: AbortSignal, ms: number) => {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer = setTimeout(() => late.abort(), ms);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return {
    signal: late.signal,
    cancel: (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', begin);
    },
  };
};

/** The promise's outcome, or a rejection with the signal's reason; the promise goes on unseen. */
export const unlessAborted = async <T>(signal: AbortSignal, promise: Promise<T>): Promise<T> => {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
};

/** Resolves with the promise, or without it once the time is up. */
export const unlessLate = async (promise: Promise<void>, ms: number): Promise<void> => {
  const done = new AbortController();
  await Promise.race([promise, pause(ms, done.signal)]);
  done.abort();
};
