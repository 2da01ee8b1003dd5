import type {
  AnimeEvent,
  ClickRegistered,
  RatingGiven,
  ViewRegistered,
} from '../../domain/events.js';
import type { InteractionDocument, RatingEntry } from '../../ports/read-store.js';

/** A fact at its place in the stream, and the computation that it is folded for. */
export interface Placed<Event extends AnimeEvent = AnimeEvent> {
  readonly revision: number;
  readonly id: string;
  readonly generation: number;
  readonly event: Event;
}

/**
 * A document while a run of events is folded into it: it belongs to that run alone, so that ten
 * events on one document cost one copy.
 */
export type Draft<Document> = { -readonly [Key in keyof Document]: Document[Key] };

/** What a user did, as opposed to what happened to the catalogue. */
export type Interaction = ClickRegistered | ViewRegistered | RatingGiven;

export const isInteraction = (event: AnimeEvent): event is Interaction =>
  event.type === 'ClickRegistered' ||
  event.type === 'ViewRegistered' ||
  event.type === 'RatingGiven';

/** One user's document after the event. An event that the document holds already changes nothing. */
export const foldInteraction = (
  document: InteractionDocument | null,
  { revision, generation, event }: Placed<Interaction>,
): InteractionDocument => {
  if (document !== null && revision <= document.revision) return document;
  const draft = interactionDraft(document, event, generation);
  takeInteraction(draft, revision, event);
  return draft;
};

export const interactionDraft = (
  document: InteractionDocument | null,
  event: Interaction,
  generation: number,
): Draft<InteractionDocument> =>
  document === null
    ? {
        generation,
        revision: -1,
        animeId: event.data.animeId,
        userId: event.data.userId,
        clicks: 0,
        views: 0,
        seconds: 0,
        lastClickAt: null,
        lastViewAt: null,
        ratings: [],
      }
    : { ...document };

/** The event must be above the draft's revision. */
export const takeInteraction = (
  draft: Draft<InteractionDocument>,
  revision: number,
  event: Interaction,
): void => {
  draft.revision = revision;
  switch (event.type) {
    case 'ClickRegistered':
      draft.clicks += 1;
      draft.lastClickAt = event.data.occurredAt;
      return;
    case 'ViewRegistered':
      draft.views += 1;
      draft.seconds = addSeconds(draft.seconds, event.data.durationSeconds);
      draft.lastViewAt = event.data.occurredAt;
      return;
    case 'RatingGiven':
      draft.ratings = [
        ...draft.ratings,
        { revision, hundredths: hundredthsOf(event), at: event.data.occurredAt },
      ];
  }
};

export const hundredthsOf = (event: RatingGiven): number => Math.round(event.data.rating * 100);

/** A sum of seconds ends at 2^53-1: above that no number is exact, and no query could answer it. */
export const addSeconds = (sum: number, seconds: number): number =>
  Math.min(sum + seconds, Number.MAX_SAFE_INTEGER);

/** What a rating at this revision replaces, however far the user's document is ahead of it. */
export const ratingBefore = (
  document: InteractionDocument | null,
  revision: number,
): RatingEntry | null => document?.ratings.findLast((entry) => entry.revision < revision) ?? null;

/**
 * Forgets the ratings that nobody can ask for again: whoever computes the anime document starts at
 * its saved revision or above, and needs the newest entry there and all later ones.
 */
export const trimRatings = (
  ratings: readonly RatingEntry[],
  savedAnimeRevision: number,
): readonly RatingEntry[] => {
  const newest = ratings.findLastIndex((entry) => entry.revision <= savedAnimeRevision);
  return newest <= 0 ? ratings : ratings.slice(newest);
};
