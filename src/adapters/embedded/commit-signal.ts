/** Wakes those who wait for the next commit, or for the end. */
export const createCommitSignal = () => {
  let waiting: (() => void)[] = [];
  let ended: { readonly error?: Error } | undefined;

  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };

  return {
    /** Something was committed. */
    wake,
    /** Nothing will be any more: subscriptions end, with the error if there is one. */
    end: (error?: Error): void => {
      ended ??= error === undefined ? {} : { error };
      wake();
    },
    /** True once it has ended; throws if it ended with an error. */
    hasEnded: (): boolean => {
      if (ended?.error !== undefined) throw ended.error;
      return ended !== undefined;
    },
    /** Resolves at the next commit, at the end, or when the signal aborts. */
    next: (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        if (signal.aborted || ended !== undefined) {
          resolve();
          return;
        }
        const woken = (): void => {
          signal.removeEventListener('abort', aborted);
          resolve();
        };
        const aborted = (): void => {
          waiting = waiting.filter((one) => one !== woken);
          resolve();
        };
        signal.addEventListener('abort', aborted, { once: true });
        waiting.push(woken);
      }),
  };
};

export type CommitSignal = ReturnType<typeof createCommitSignal>;
