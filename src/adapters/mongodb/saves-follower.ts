import { type AnimeId, isAnimeId } from '../../domain/ids.js';
import { pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';

/** Null: any anime may have changed. */
type ChangeListener = (ids: readonly AnimeId[] | null) => void;

export interface SavesFollowerOptions {
  /** The ids of saved anime documents, as the server tells of them; throws where it cannot. */
  readonly watch: (signal: AbortSignal) => AsyncIterable<string>;
  readonly logger: Logger;
  /** Where the server does not tell of saves, listeners look for themselves so often. */
  readonly pollMs?: number;
  /** How long until the server is asked again to tell. */
  readonly retryMs?: number;
}

export interface SavesFollower {
  readonly add: (listener: ChangeListener) => () => void;
  /** Passes on the saves of this process. */
  notify: ChangeListener;
  close(): void;
}

/** Tells of saves by all processes: one change stream, or one timer, only while somebody listens. */
export const createSavesFollower = (options: SavesFollowerOptions): SavesFollower => {
  const { watch, logger, pollMs = 250, retryMs = 30_000 } = options;
  const listeners = new Set<ChangeListener>();
  let following: AbortController | undefined;
  let isTold = true;

  const notify: ChangeListener = (ids) => {
    for (const listener of listeners) {
      try {
        listener(ids);
      } catch (error) {
        logger.error('A listener for saved documents failed', { error });
      }
    }
  };

  const listen = async (signal: AbortSignal): Promise<void> => {
    try {
      for await (const text of watch(signal)) {
        if (signal.aborted) return;
        isTold = true;
        const id = Number(text);
        if (isAnimeId(id)) notify([id]);
      }
    } catch (error) {
      if (!signal.aborted && isTold) {
        logger.info(
          'MongoDB change stream unavailable: polling for saves while there are subscriptions',
          {
            error,
          },
        );
      }
      isTold = false;
    }
  };

  const poll = async (signal: AbortSignal): Promise<void> => {
    const until = performance.now() + retryMs;
    while (!signal.aborted && performance.now() < until) {
      notify(null);
      await pause(pollMs, signal);
    }
  };

  const follow = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await listen(signal);
      await poll(signal);
    }
  };

  const end = (): void => {
    following?.abort();
    following = undefined;
  };

  return {
    notify,
    add: (listener) => {
      listeners.add(listener);
      if (following === undefined) {
        following = new AbortController();
        void follow(following.signal);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) end();
      };
    },
    close: () => {
      listeners.clear();
      end();
    },
  };
};
