import type { DocumentBatch, ReadStore } from '../../../src/ports/read-store.js';
import type { CannotShow } from '../event-store/target.js';

/** A store of one test, and how to stop it. */
export interface OpenReadStore {
  readonly store: ReadStore;
  /**
   * Closes the store and reopens it on the same data; `stop` then stops the new one. Other examples
   * make it the store of another release.
   */
  readonly reopen: (examples?: DocumentBatch) => Promise<ReadStore>;
  readonly stop: () => Promise<void>;
}

export interface ReadStoreTarget {
  /** A store without any version. */
  open(): Promise<OpenReadStore>;
  /** Whether concurrent saves are decided atomically; some servers must be asked. */
  readonly concurrentWriters: true | (() => Promise<true | CannotShow>);
  /**
   * Runs `keepSaving` on a fresh store in another process, kills that with SIGKILL and opens its
   * store here.
   */
  readonly killWhileSaving: (() => Promise<OpenReadStore>) | CannotShow;
  /** The number of random cases per rule. */
  readonly cases: number;
}

/**
 * Skips the running test with a reason: what a server lacks is known only once it has responded.
 */
export const skipBecause = (context: Mocha.Context, { because }: CannotShow): never => {
  process.stdout.write(`      skipped: ${because}\n`);
  return context.skip();
};
