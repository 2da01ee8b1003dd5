/** How much is being appended, counted in memory that all threads share. What projections write is not counted. */
export interface AppendsInFlight {
  /** For other threads: `pauseForAppends` reads it. */
  readonly shared: Int32Array;
  readonly began: () => void;
  readonly ended: () => void;
}

export const countAppendsInFlight = (): AppendsInFlight => {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  return {
    shared,
    began: () => {
      Atomics.add(shared, 0, 1);
    },
    ended: () => {
      if (Atomics.sub(shared, 0, 1) === 1) Atomics.notify(shared, 0);
    },
  };
};

/** What a pause for appends has found: none in flight, some that ended, or some at every moment of it. */
export type AppendsSeen = 'none' | 'some' | 'throughout';

/**
 * Blocks the calling thread until nothing is in flight, but not for longer than so many milliseconds. Not for the
 * main thread, which counts them.
 */
export const pauseForAppends = (shared: Int32Array, atMostMs: number): AppendsSeen => {
  const until = performance.now() + atMostMs;
  let seen: AppendsSeen = 'none';
  for (;;) {
    const count = Atomics.load(shared, 0);
    if (count === 0) return seen;
    const left = until - performance.now();
    if (left <= 0) return 'throughout';
    seen = 'some';
    Atomics.wait(shared, 0, count, left);
  }
};
