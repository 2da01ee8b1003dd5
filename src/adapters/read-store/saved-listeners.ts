import type { Logger } from '../../platform/observability/logger.js';
import type { AnimeDocument } from '../../ports/read-store.js';

type SavedListener = (animes: readonly AnimeDocument[]) => void;

export interface SavedListeners {
  readonly add: (listener: SavedListener) => () => void;
  /** Calls every listener. If one throws, the others and the save are not affected. */
  readonly notify: SavedListener;
}

/** The listeners of RS-16. */
export const createSavedListeners = (logger: Logger): SavedListeners => {
  const listeners = new Set<SavedListener>();
  return {
    add: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    notify: (animes) => {
      if (animes.length === 0) return;
      for (const listener of listeners) {
        try {
          listener(animes);
        } catch (error) {
          logger.error('A listener for saved documents failed', { error });
        }
      }
    },
  };
};
