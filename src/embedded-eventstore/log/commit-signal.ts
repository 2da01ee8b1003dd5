interface CommitWaiter {
  /** Whether the subscriber cares about what was committed. */
  readonly concerned: () => boolean;
  readonly wake: () => void;
}

const always = (): boolean => true;

export interface CommitSignal {
  committed(): void;
  /** The log may have lost its last events: cached state must be read again. */
  wakeAll(): void;
  /** There will be no more commits: subscriptions end, with the error if there is one. */
  end(error?: Error): void;
  /** True once it has ended; throws if it ended with an error. */
  hasEnded(): boolean;
  /** Resolves at the next commit of interest, at the end, or when the signal aborts. */
  next(signal: AbortSignal, concerned?: () => boolean): Promise<void>;
}

/** Wakes subscribers at the next commit or when the log ends. */
export const createCommitSignal = (): CommitSignal => {
  let waiting: CommitWaiter[] = [];
  let ended: { readonly error?: Error } | undefined;

  const wakeAll = (): void => {
    const woken = waiting;
    waiting = [];
    for (const waiter of woken) waiter.wake();
  };

  return {
    committed: (): void => {
      const woken: CommitWaiter[] = [];
      const staying: CommitWaiter[] = [];
      for (const waiter of waiting) (waiter.concerned() ? woken : staying).push(waiter);
      waiting = staying;
      for (const waiter of woken) waiter.wake();
    },
    wakeAll,
    end: (error?: Error): void => {
      ended ??= error === undefined ? {} : { error };
      wakeAll();
    },
    hasEnded: (): boolean => {
      if (ended?.error !== undefined) throw ended.error;
      return ended !== undefined;
    },
    next: (signal: AbortSignal, concerned: () => boolean = always): Promise<void> =>
      new Promise((resolve) => {
        if (signal.aborted || ended !== undefined) {
          resolve();
          return;
        }
        const waiter: CommitWaiter = {
          concerned,
          wake: () => {
            signal.removeEventListener('abort', aborted);
            resolve();
          },
        };
        const aborted = (): void => {
          waiting = waiting.filter((one) => one !== waiter);
          resolve();
        };
        signal.addEventListener('abort', aborted, { once: true });
        waiting.push(waiter);
      }),
  };
};
