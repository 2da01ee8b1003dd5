import type {
  AnimeEvent,
  ClickRegistered,
  RatingGiven,
  ViewRegistered,
} from '../../domain/events.js';
import type { InteractionDocument, RatingEntry } from '../../ports/read-store.js';

/** What a user did, as opposed to what happened to the catalogue. */
export type Interaction = ClickRegistered | ViewRegistered | RatingGiven;

export const isInteraction = (event: AnimeEvent): event is Interaction =>
  event.type === 'ClickRegistered' ||
  event.type === 'ViewRegistered' ||
  event.type === 'RatingGiven';

/** A fact at its place in the stream, and the computation that it is folded for. */
export interface Placed<Event extends AnimeEvent = AnimeEvent> {
  readonly revision: number;
  readonly id: string;
  readonly generation: number;
  readonly event: Event;
}

/** One user's document after the event. An event that the document holds already changes nothing. */
export const foldInteraction = (
  document: InteractionDocument | null,
  { revision, generation, event }: Placed<Interaction>,
): InteractionDocument => {
  const before = document ?? untouched(event, generation);
  if (revision <= before.revision) return before;
  const { occurredAt } = event.data;
  switch (event.type) {
    case 'ClickRegistered':
      return { ...before, revision, clicks: before.clicks + 1, lastClickAt: occurredAt };
    case 'ViewRegistered':
      return {
        ...before,
        revision,
        views: before.views + 1,
        seconds: before.seconds + event.data.durationSeconds,
        lastViewAt: occurredAt,
      };
    case 'RatingGiven': {
      const entry = { revision, hundredths: hundredthsOf(event), at: occurredAt };
      return { ...before, revision, ratings: [...before.ratings, entry] };
    }
  }
};

const untouched = (event: Interaction, generation: number): InteractionDocument => ({
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
});

export const hundredthsOf = (event: RatingGiven): number => Math.round(event.data.rating * 100);

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
  document: InteractionDocument,
  savedAnimeRevision: number,
): InteractionDocument => {
  const newest = document.ratings.findLastIndex((entry) => entry.revision <= savedAnimeRevision);
  return newest <= 0 ? document : { ...document, ratings: document.ratings.slice(newest) };
};
