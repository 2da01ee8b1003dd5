import type { DocumentBatch, ReadStore } from '../../../src/ports/read-store.js';
import type { CannotShow } from '../event-store/target.js';

/** A store that is the test's own, and the way to be rid of it. */
export interface OpenReadStore {
  readonly store: ReadStore;
  /**
   * Closes the store and opens it again on what it kept; `stop` then stops the new one. Other
   * examples make it the store of another release.
   */
  readonly reopen: (examples?: DocumentBatch) => Promise<ReadStore>;
  readonly stop: () => Promise<void>;
}

export interface ReadStoreTarget {
  /** A store without any version. */
  open(): Promise<OpenReadStore>;
  /** Whether saves that run at the same time are decided atomically; a server may have to be asked. */
  readonly concurrentWriters: true | (() => Promise<true | CannotShow>);
  /** Runs `keepSaving` on a fresh store in another process, kills that with -9, opens its store here. */
  readonly killWhileSaving: (() => Promise<OpenReadStore>) | CannotShow;
  /** How many random cases a rule is tried with. */
  readonly cases: number;
}

/** Skips the test that runs, and says why: what a server lacks is known only once it has answered. */
export const skipBecause = (context: Mocha.Context, { because }: CannotShow): never => {
  process.stdout.write(`      skipped: ${because}\n`);
  return context.skip();
};
