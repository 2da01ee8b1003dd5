import type { AnimeDocument } from '../../ports/read-store.js';

export interface Waiter {
  readonly minRevision: number;
  readonly resolve: (document: AnimeDocument) => void;
  readonly reject: (error: unknown) => void;
}

/** Everybody who waits for one document. One look-up at a time serves them all. */
export interface SingleFlight {
  join(waiter: Waiter): void;
  /** Looks now, or once more when a look-up is under way: that one may have read too early. */
  lookAgain(): void;
}

/**
 * Who joins while a look-up is under way waits for its answer: a save that it missed comes with a
 * call of `lookAgain`. `resolve` and `reject` must take their waiter out of the set.
 */
export const createSingleFlight = (
  waiters: Set<Waiter>,
  read: () => Promise<AnimeDocument | null>,
): SingleFlight => {
  let looking = false;
  let asked = 0;

  const serve = (document: AnimeDocument | null) => {
    for (const waiter of waiters) {
      if (document !== null && document.revision >= waiter.minRevision) waiter.resolve(document);
    }
  };

  const look = async () => {
    looking = true;
    try {
      let seen: number;
      do {
        seen = asked;
        serve(await read());
      } while (asked !== seen && waiters.size > 0);
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error);
    } finally {
      looking = false;
    }
  };

  return {
    join: (waiter) => {
      waiters.add(waiter);
      if (!looking) void look();
    },
    lookAgain: () => {
      asked += 1;
      if (!looking) void look();
    },
  };
};
