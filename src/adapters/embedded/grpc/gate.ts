/** Counts what is under way and lets one waiter through when little enough is. */
export const createGate = (signal: AbortSignal) => {
  let inside = 0;
  let waiter: { readonly limit: number; readonly resolve: () => void } | undefined;
  signal.addEventListener('abort', () => waiter?.resolve(), { once: true });
  return {
    enter: (): void => {
      inside += 1;
    },
    leave: (): void => {
      inside -= 1;
      if (waiter === undefined || inside > waiter.limit) return;
      waiter.resolve();
      waiter = undefined;
    },
    /** Nothing to wait for, or a promise until at most so many are inside or the signal aborts. */
    atMost: (limit: number): Promise<void> | undefined => {
      if (inside <= limit || signal.aborted) return undefined;
      return new Promise((resolve) => {
        waiter = { limit, resolve };
      });
    },
  };
};
