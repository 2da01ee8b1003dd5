import type { AnimeId } from '../../domain/ids.js';
import type { Logger } from '../../platform/observability/logger.js';

interface Unconfirmed {
  /** The highest revision that was delivered. */
  readonly revision: number;
  readonly since: number;
}

/** Anime with delivered events that their streams, as the event store reads them, do not have yet. */
export interface UnconfirmedEvents {
  readonly all: () => ReadonlyMap<AnimeId, Unconfirmed>;
  add(animeId: AnimeId, revision: number): void;
  has(animeId: AnimeId, revision: number): boolean;
  /** Whether the event store has had the time to catch up. */
  isOverdue(animeId: AnimeId): boolean;
  /** The document of the anime is at this revision. */
  reached(animeId: AnimeId, revision: number): void;
  remove(animeId: AnimeId): void;
}

interface UnconfirmedEventsOptions {
  readonly logger: Logger;
  /** How long to wait for the event store to catch up before a delivered revision counts as invalid. */
  readonly patienceMs: number;
  readonly now: () => number;
}

export const createUnconfirmedEvents = (options: UnconfirmedEventsOptions): UnconfirmedEvents => {
  const { logger, patienceMs, now } = options;
  const unconfirmed = new Map<AnimeId, Unconfirmed>();
  return {
    all: () => unconfirmed,

    add(animeId, revision) {
      const known = unconfirmed.get(animeId);
      if (known === undefined) {
        logger.warn('An event was delivered that its stream does not have yet', {
          animeId,
          revision,
        });
      }
      unconfirmed.set(animeId, {
        revision: Math.max(revision, known?.revision ?? revision),
        since: known?.since ?? now(),
      });
    },

    has: (animeId, revision) => unconfirmed.get(animeId)?.revision === revision,

    isOverdue: (animeId) => {
      const since = unconfirmed.get(animeId)?.since;
      return since !== undefined && now() - since >= patienceMs;
    },

    reached(animeId, revision) {
      const known = unconfirmed.get(animeId);
      if (known !== undefined && known.revision <= revision) unconfirmed.delete(animeId);
    },

    remove: (animeId) => void unconfirmed.delete(animeId),
  };
};
