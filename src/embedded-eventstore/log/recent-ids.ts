import { LRUCache } from 'lru-cache';
import type { Stored } from './append-rules.js';
import type { LogRecord } from './event-log.js';

interface Seen extends Stored {
  readonly stream: string;
}

/**
 * The ids of the last appends, for appends that expect no revision in particular: without one there
 * is no place in the log to look whether they were written before. Bounded, and empty after a start.
 */
export const createRecentIds = (options: { readonly max: number }) => {
  const seen = new LRUCache<string, Seen>({ max: options.max });
  return {
    find: (stream: string, id: string): Stored | undefined => {
      const found = seen.get(id);
      return found?.stream === stream ? found : undefined;
    },
    remember: ({ id, stream, revision, position }: LogRecord): void => {
      seen.set(id, { id, stream, revision: Number(revision), position: Number(position) });
    },
    /** The append failed: its events are not in the log. */
    forget: ({ id, position }: LogRecord): void => {
      if (seen.peek(id)?.position === Number(position)) seen.delete(id);
    },
  };
};

export type RecentIds = ReturnType<typeof createRecentIds>;
