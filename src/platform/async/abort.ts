import { pause } from './retry.js';

/** A signal that aborts some time after another one has, unless it is cancelled before. */
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

/** The promise's outcome, or a rejection with the signal's reason. The promise itself is not stopped. */
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

/** Whether the promise resolved in time; rejects if it does. The promise itself is not stopped. */
export const settledWithin = async (promise: Promise<unknown>, ms: number): Promise<boolean> => {
  const done = new AbortController();
  try {
    return await Promise.race([promise.then(() => true), pause(ms, done.signal).then(() => false)]);
  } finally {
    done.abort();
  }
};

/**
 * A signal that aborts with the first of several. Unlike `AbortSignal.any` it can be unlinked: signals
 * that live as long as the store must not hold a listener for every read.
 */
export const linkedSignal = (...signals: readonly (AbortSignal | undefined)[]) => {
  const linked = new AbortController();
  const abort = () => linked.abort();
  for (const signal of signals) {
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
  }
  return {
    signal: linked.signal,
    unlink: () => {
      for (const signal of signals) signal?.removeEventListener('abort', abort);
    },
  };
};

/** The promise's outcome, or a rejection once the time is up. The promise itself is not stopped. */
export const within = async <T>(ms: number, promise: Promise<T>, late: () => Error): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Runs work with a signal that aborts after the timeout. The timer ends with the work, unlike that of
 * `AbortSignal.timeout`: at a thousand reads a second those would pile up in memory.
 */
export const abortedAfter = async <T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
  }
};
