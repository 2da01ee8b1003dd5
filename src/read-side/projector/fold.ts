import type { UserId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
  RatingEntry,
} from '../../ports/read-store.js';
import type { StreamEvent } from '../../wire/stream-event.js';
import { isUnreadable, type Unreadable } from '../../wire/upcast.js';
import { revisionOf, type CachedAnime } from './cached-anime.js';
import { animeDraft, forgetSkipped, noteSkipped, applyToAnime } from '../read-models/anime.js';
import { dayDraft, utcDayOf, applyToDay } from '../read-models/daily-activity.js';
import {
  type DocumentDraft,
  type Interaction,
  interactionDraft,
  isInteraction,
  ratingBefore,
  applyToInteraction,
  trimRatings,
} from '../read-models/interaction.js';

/** The documents that a run of events changed, and the events that could not be read. */
export interface FoldedRun {
  readonly anime: AnimeDocument;
  readonly interactions: readonly InteractionDocument[];
  readonly days: readonly DailyActivityDocument[];
  readonly unreadable: readonly UnreadableEvent[];
}

interface UnreadableEvent extends StreamEvent {
  readonly decoded: Unreadable;
}

/**
 * Folds a run that follows the anime's document without a gap. Parts may be ahead of it, if a crash
 * or another consumer came between their save and the anime's. So each part takes only events above
 * its own revision, and the rating that an event replaces is looked up below that event: the result
 * is the same from every starting point.
 */
export const foldRun = (cached: CachedAnime, run: readonly StreamEvent[]): FoldedRun => {
  const { generation, parts } = cached;
  const anime = animeDraft(cached.document, cached.animeId, generation);
  const users = new Map<UserId, DocumentDraft<InteractionDocument>>();
  const unreadable: UnreadableEvent[] = [];
  const saved = revisionOf(cached);
  const days = createDayDrafts(cached);

  /** Returns the rating that a rating replaces. */
  const takeByUser = (revision: number, event: Interaction): RatingEntry | null => {
    const { userId } = event.data;
    let draft = users.get(userId);
    const before = draft ?? parts.users.get(userId) ?? null;
    const replaced = event.type === 'RatingGiven' ? ratingBefore(before, revision) : null;
    if (before !== null && revision <= before.revision) return replaced;
    if (draft === undefined) {
      draft = interactionDraft(before, event, generation);
      draft.ratings = trimRatings(draft.ratings, saved);
      users.set(userId, draft);
    }
    applyToInteraction(draft, revision, event);
    return replaced;
  };

  for (const streamEvent of run) {
    const { revision, id, decoded } = streamEvent;
    anime.revision = revision;
    anime.lastEventId = id;
    if (isUnreadable(decoded)) {
      noteSkipped(anime, revision);
      unreadable.push({ ...streamEvent, decoded });
    } else if (decoded.kind === 'ignored') {
      forgetSkipped(anime, decoded.ignored);
    } else {
      const { event } = decoded;
      if (isInteraction(event)) {
        days.take(revision, event);
        applyToAnime(anime, event, takeByUser(revision, event));
      } else applyToAnime(anime, event, null);
    }
  }
  return { anime, interactions: [...users.values()], days: days.changed(), unreadable };
};

/** Events of one day mostly come together, so the day is parsed only when it changes. */
const createDayDrafts = ({ generation, parts }: CachedAnime) => {
  const drafts = new Map<string, DocumentDraft<DailyActivityDocument>>();
  let day = 'none';
  let draft: DocumentDraft<DailyActivityDocument> | undefined;
  return {
    take(revision: number, event: Interaction): void {
      if (!event.data.occurredAt.startsWith(day)) {
        day = utcDayOf(event);
        draft = drafts.get(day);
      }
      if (draft === undefined) {
        const before = parts.days.get(day) ?? null;
        if (before !== null && revision <= before.revision) return;
        draft = dayDraft(before, event, generation);
        drafts.set(day, draft);
      }
      applyToDay(draft, revision, event);
    },
    changed: () => [...drafts.values()],
  };
};
