import type { AnimeId, UserId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
  RatingEntry,
} from '../../ports/read-store.js';
import type { StreamEvent } from '../../wire/stream-event.js';
import { isUnreadable, type Unreadable } from '../../wire/upcast.js';
import { animeDraft, applyToAnime, forgetSkipped, noteSkipped } from '../read-models/anime.js';
import { applyToDay, dayDraft, utcDayOf } from '../read-models/daily-activity.js';
import {
  applyToInteraction,
  type DocumentDraft,
  type Interaction,
  interactionDraft,
  isInteraction,
  ratingBefore,
  trimRatings,
} from '../read-models/interaction.js';

/** One anime as far as it is computed; `document` is null before its first event. */
export interface CachedAnime {
  readonly animeId: AnimeId;
  readonly generation: number;
  readonly document: AnimeDocument | null;
  readonly parts: DocumentParts;
}

/**
 * The cached parts of one anime: its user and day documents. They belong to its latest state alone; an
 * older state must not be folded with them. So whoever computes an anime does it exclusively.
 */
interface DocumentParts {
  readonly users: Map<UserId, InteractionDocument>;
  readonly days: Map<string, DailyActivityDocument>;
  /** The revision at which the document was last verified against the log, and when. */
  verified: { readonly revision: number; readonly at: number } | null;
}

/** Without any parts yet. */
export const cachedAnimeOf = (
  animeId: AnimeId,
  generation: number,
  document: AnimeDocument | null,
): CachedAnime => ({
  animeId,
  generation,
  document,
  parts: { users: new Map(), days: new Map(), verified: null },
});

export const revisionOf = ({ document }: CachedAnime): number => document?.revision ?? -1;

export const isOlder = (a: CachedAnime, b: CachedAnime): boolean =>
  a.generation < b.generation || (a.generation === b.generation && revisionOf(a) < revisionOf(b));

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

  /** Returns the rating that the user had given before. */
  const takeByUser = (revision: number, event: Interaction): RatingEntry | null => {
    const { userId } = event.data;
    let draft = users.get(userId);
    const before = draft ?? parts.users.get(userId) ?? null;
    const rated = ratingBefore(before, revision);
    if (before !== null && revision <= before.revision) return rated;
    if (draft === undefined) {
      draft = interactionDraft(before, event, generation);
      draft.ratings = trimRatings(draft.ratings, saved);
      users.set(userId, draft);
    }
    applyToInteraction(draft, revision, event);
    return rated;
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

/** Events of one day mostly come together, so the day is looked up only when it changes. */
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
