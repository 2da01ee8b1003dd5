import type { Recorded } from './command-result.js';

/** A command that came with an Idempotency-Key and appended something. */
export interface Remembered extends Recorded {
  readonly commandId: string;
  readonly bodyHash: string;
}

/**
 * The last commands of one anime that came with a key. Fed with confirmed events only: a repeat must
 * never be told of an event that was not written.
 */
export interface RecentCommands {
  find(commandId: string): Remembered | undefined;
  add(command: Remembered): void;
  readonly size: number;
  /** The newest, oldest of them first. */
  newest(count: number): readonly Remembered[];
}

export const createRecentCommands = (capacity: number): RecentCommands => {
  // A Map iterates in the order of insertion: its first key is the oldest.
  const byId = new Map<string, Remembered>();
  return {
    find: (commandId) => byId.get(commandId),
    add: (command) => {
      byId.delete(command.commandId);
      byId.set(command.commandId, command);
      if (byId.size <= capacity) return;
      const [oldest] = byId.keys();
      if (oldest !== undefined) byId.delete(oldest);
    },
    get size() {
      return byId.size;
    },
    newest: (count) => [...byId.values()].slice(-count),
  };
};
