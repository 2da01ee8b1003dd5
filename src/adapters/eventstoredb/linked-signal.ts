/**
 * A signal that is aborted with the first of several. Unlike `AbortSignal.any` it can be let go of:
 * signals that live as long as the store must not remember every read.
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
