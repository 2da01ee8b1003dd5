import type { Backoff } from '../platform/retry.js';

export interface Impatience {
  /** Somebody came, and was served what is there: from now on often again. */
  begin(): void;
  end(): void;
}

/** Calls soon, and then less and less often, until it ends. */
export const impatience = (call: () => void, { baseMs, maxMs }: Backoff): Impatience => {
  let timer: NodeJS.Timeout | undefined;

  const callAfter = (ms: number): void => {
    timer = setTimeout(() => {
      callAfter(Math.min(2 * ms, maxMs));
      call();
    }, ms);
  };

  const end = (): void => clearTimeout(timer);
  return {
    begin: () => {
      end();
      callAfter(baseMs);
    },
    end,
  };
};
