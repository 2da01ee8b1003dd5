import type {
  AnimeEvent,
  ClickRegistered,
  RatingGiven,
  ViewRegistered,
} from '../../domain/events.js';
import { laterOf } from '../../domain/rules.js';
import type { InteractionDocument, InteractionKey, RatingEntry } from '../../ports/read-store.js';

/** A copy of a document into which a run of events is folded: one copy per run, not per event. */
export type DocumentDraft<Document> = { -readonly [Key in keyof Document]: Document[Key] };

/** What a user did, as opposed to what happened to the catalogue. */
export type Interaction = ClickRegistered | ViewRegistered | RatingGiven;

export const isInteraction = (event: AnimeEvent): event is Interaction =>
  event.type === 'ClickRegistered' ||
  event.type === 'ViewRegistered' ||
  event.type === 'RatingGiven';

export const interactionDraft = (
  document: InteractionDocument | null,
  event: Interaction,
  generation: number,
): DocumentDraft<InteractionDocument> =>
  document === null ? emptyInteraction(event.data, generation) : { ...document };

/** The document of a user without events. Its revision is below that of any event. */
export const emptyInteraction = (
  { animeId, userId }: InteractionKey,
  generation: number,
): InteractionDocument => ({
  generation,
  revision: -1,
  animeId,
  userId,
  clicks: 0,
  views: 0,
  seconds: 0,
  lastClickAt: null,
  lastViewAt: null,
  ratings: [],
});

/** The event must be above the draft's revision. */
export const applyToInteraction = (
  draft: DocumentDraft<InteractionDocument>,
  revision: number,
  event: Interaction,
): void => {
  draft.revision = revision;
  switch (event.type) {
    case 'ClickRegistered':
      draft.clicks += 1;
      draft.lastClickAt = laterOf(draft.lastClickAt, event.data.occurredAt);
      return;
    case 'ViewRegistered':
      draft.views += 1;
      draft.seconds = addSeconds(draft.seconds, event.data.durationSeconds);
      draft.lastViewAt = laterOf(draft.lastViewAt, event.data.occurredAt);
      return;
    case 'RatingGiven':
      draft.ratings = [
        ...draft.ratings,
        { revision, hundredths: hundredthsOf(event), at: event.data.occurredAt },
      ];
  }
};

export const hundredthsOf = (event: RatingGiven): number => Math.round(event.data.rating * 100);

/** Sums stop at 2^53-1: above that no number is exact, and no query could return it. */
export const addSeconds = (sum: number, seconds: number): number =>
  Math.min(sum + seconds, Number.MAX_SAFE_INTEGER);

/** The rating that one at this revision replaces, even if the user's document is ahead of it. */
export const ratingBefore = (
  document: InteractionDocument | null,
  revision: number,
): RatingEntry | null => document?.ratings.findLast((entry) => entry.revision < revision) ?? null;

/**
 * Drops ratings that no fold needs again: the anime document is computed from its saved revision
 * on, which takes the newest rating up to there and all later ones.
 */
export const trimRatings = (
  ratings: readonly RatingEntry[],
  savedAnimeRevision: number,
): readonly RatingEntry[] => {
  const newest = ratings.findLastIndex((entry) => entry.revision <= savedAnimeRevision);
  return ratings.slice(Math.max(0, newest));
};
