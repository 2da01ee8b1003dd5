import type { UserId } from '../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
} from '../ports/read-store.js';
import type { StreamEvent } from '../wire/stream-event.js';
import type { AnimeView, Needs, Parts } from './document-cache.js';
import { revisionOf } from './judge.js';
import { foldAnime, passOver } from './read-models/animes.js';
import { dayOf, foldDay } from './read-models/daily-activity.js';
import {
  foldInteraction,
  isInteraction,
  ratingBefore,
  trimRatings,
  type Interaction,
  type Placed,
} from './read-models/interactions.js';

/** Which parts of an anime a run of events touches. */
export const needsOf = (view: AnimeView, run: readonly StreamEvent[]): Needs => {
  const users = new Set<UserId>();
  const days = new Set<string>();
  for (const { decoded } of run) {
    if (decoded.kind !== 'event' || !isInteraction(decoded.event)) continue;
    users.add(decoded.event.data.userId);
    days.add(dayOf(decoded.event));
  }
  return { view, users, days };
};

/** The documents that a run of events changed. */
export interface FoldedRun {
  readonly anime: AnimeDocument | null;
  readonly interactions: readonly InteractionDocument[];
  readonly days: readonly DailyActivityDocument[];
}

/**
 * Folds a run that follows the anime's document without a hole. The parts may be ahead of it, where
 * a crash or another consumer came between their save and the anime's: each takes only events above
 * its own revision, and a rating's predecessor is looked up below the rating, so that the result is
 * the same whoever computes it from wherever.
 */
export const foldRun = (view: AnimeView, parts: Parts, run: readonly StreamEvent[]): FoldedRun => {
  const users = new Map(parts.users);
  const days = new Map(parts.days);
  let anime = view.document;

  const take = (placed: Placed<Interaction>, base: AnimeDocument | null): AnimeDocument => {
    const { userId } = placed.event.data;
    const day = dayOf(placed.event);
    const user = users.get(userId) ?? null;
    users.set(userId, foldInteraction(user, placed));
    days.set(day, foldDay(days.get(day) ?? null, placed));
    const replaced =
      placed.event.type === 'RatingGiven' ? ratingBefore(user, placed.revision) : null;
    return foldAnime(base, placed, replaced);
  };

  for (const { animeId, revision, id, decoded } of run) {
    const { generation } = view;
    if (decoded.kind !== 'event') {
      const never = decoded.kind === 'malformed';
      anime = passOver(anime, { animeId, revision, id, generation, never });
    } else if (isInteraction(decoded.event)) {
      anime = take({ revision, id, generation, event: decoded.event }, anime);
    } else {
      anime = foldAnime(anime, { revision, id, generation, event: decoded.event }, null);
    }
  }

  const saved = revisionOf(view);
  return {
    anime,
    interactions: changed(users, parts.users).map((user) => trimRatings(user, saved)),
    days: changed(days, parts.days),
  };
};

const changed = <Key, Document>(
  after: ReadonlyMap<Key, Document>,
  before: ReadonlyMap<Key, Document>,
): Document[] => {
  const documents: Document[] = [];
  for (const [key, document] of after) {
    if (document !== before.get(key)) documents.push(document);
  }
  return documents;
};
