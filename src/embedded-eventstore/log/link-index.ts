import { EventLogError } from './event-log.js';
import type { FromLogWriter } from './writer-protocol.js';

type Indexed = Extract<FromLogWriter, { readonly kind: 'indexed' }>;

/** Delay on a busy log: indexing more events together is cheaper. */
const COLLECT_MS = 5;

interface LinkWaiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: EventLogError) => void;
}

export interface LinkIndex {
  start(askWriter: () => void): void;
  readonly indexed: (progress: Indexed) => void;
  /** Resolves once all links up to a position can be read, or the log is closed. */
  upTo(position: number): Promise<void>;
  inUse(): boolean;
  stop(): void;
}

/**
 * Indexes links on demand, so appends do not pay for it. From the first read of a link stream on,
 * it works slice by slice, with appends in between, up to the last position that a reader waits
 * for.
 */
export const createLinkIndex = (options: { readonly reached: number }): LinkIndex => {
  let { reached } = options;
  let waiting: LinkWaiter[] = [];
  let ask: (() => void) | undefined;
  let asking = false;
  let pause: NodeJS.Timeout | undefined;

  const next = (): void => {
    if (asking || pause !== undefined || waiting.length === 0 || ask === undefined) return;
    asking = true;
    ask();
  };

  const rest = (): void => {
    pause = setTimeout(() => {
      pause = undefined;
      next();
    }, COLLECT_MS);
  };

  /** Removes and returns the readers waiting for this position or an earlier one. */
  const take = (upTo: number): LinkWaiter[] => {
    const taken = waiting.filter(({ position }) => position <= upTo);
    waiting = waiting.filter(({ position }) => position > upTo);
    return taken;
  };

  return {
    start: (askWriter: () => void): void => {
      ask = askWriter;
      next();
    },
    indexed: ({ position, more, failure }: Indexed): void => {
      asking = false;
      if (failure !== undefined) {
        const error = new EventLogError('failed', `Links could not be indexed: ${failure}`);
        for (const waiter of take(Infinity)) waiter.reject(error);
        return;
      }
      reached = position;
      for (const waiter of take(reached)) waiter.resolve();
      if (more) next();
      else if (ask !== undefined) rest();
    },
    upTo: (position: number): Promise<void> =>
      new Promise((resolve, reject) => {
        if (position <= reached || ask === undefined) {
          resolve();
          return;
        }
        waiting.push({ position, resolve, reject });
        next();
      }),
    inUse: (): boolean => reached > 0,
    stop: (): void => {
      ask = undefined;
      clearTimeout(pause);
      for (const waiter of take(Infinity)) waiter.resolve();
    },
  };
};
