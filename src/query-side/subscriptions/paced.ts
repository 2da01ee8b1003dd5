import { pause } from '../../platform/async/retry.js';

/** Messages of one subscription, at a bounded rate. */
export interface Paced<T> extends AsyncIterableIterator<T> {
  /** There may be something to send. */
  wake(): void;
  /** Sends this as the last message, and ends. */
  finish(last: T): void;
  return(): Promise<IteratorResult<T>>;
}

export interface PacedOptions<T> {
  /** What to send now; undefined if there is nothing. */
  readonly take: () => T | undefined;
  /** The shortest time between two messages, in milliseconds. */
  readonly everyMs: number;
  /** Called once, when the subscription has ended for whatever reason. */
  readonly onClosed: () => void;
  readonly monotonic?: () => number;
}

/**
 * The consumer pulls: what happens between two messages is for `take` to merge, and nothing is queued
 * here. The first message waits for nothing.
 */
export const createPaced = <T>(options: PacedOptions<T>): Paced<T> => {
  const { take, everyMs, onClosed, monotonic = () => performance.now() } = options;
  const over = new AbortController();
  let last: { readonly value: T } | undefined;
  let closed = false;
  let woken = false;
  let nextAt = -Infinity;
  let proceed = (): void => undefined;

  const close = (): void => {
    if (closed) return;
    closed = true;
    over.abort();
    proceed();
    onClosed();
  };

  const woke = (): Promise<void> => new Promise((resolve) => (proceed = resolve));

  const next = async (): Promise<IteratorResult<T>> => {
    while (!closed) {
      if (last !== undefined) {
        const { value } = last;
        close();
        return { done: false, value };
      }
      const waitMs = nextAt - monotonic();
      if (!woken) {
        await woke();
      } else if (waitMs > 0) {
        await pause(waitMs, over.signal);
      } else {
        woken = false;
        const value = take();
        if (value === undefined) continue;
        nextAt = monotonic() + everyMs;
        return { done: false, value };
      }
    }
    return { done: true, value: undefined };
  };

  return {
    next,
    return: () => {
      close();
      return Promise.resolve({ done: true, value: undefined });
    },
    wake: () => {
      woken = true;
      proceed();
    },
    finish: (value) => {
      last ??= { value };
      over.abort();
      proceed();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};
