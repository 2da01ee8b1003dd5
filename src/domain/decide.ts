import type { AnimeCommand, InteractionCommand, ListAnime } from './commands.js';
import { type AnimeDetails, areSameDetails, revisedDetails } from './details.js';
import type { AnimeEvent } from './events.js';
import { isDurationSeconds, isRating, isTimely, keptRating } from './rules.js';

/** What a decision needs to know of an anime. Its size does not grow with the stream. */
export interface Anime {
  readonly status: 'unlisted' | 'listed' | 'delisted';
  /** Kept when the anime is delisted; null if it was never listed. */
  readonly details: AnimeDetails | null;
}

export const initialState: Anime = { status: 'unlisted', details: null };

export const evolve = (state: Anime, event: AnimeEvent): Anime => {
  switch (event.type) {
    case 'AnimeListed':
      return { status: 'listed', details: event.data.details };
    case 'AnimeDetailsRevised':
      return { ...state, details: event.data.details };
    case 'AnimeDelisted':
      return { ...state, status: 'delisted' };
    case 'ClickRegistered':
    case 'ViewRegistered':
    case 'RatingGiven':
      return state;
  }
};

/** Either the events to append (none: nothing to do) or the reason for refusing. */
export type Decision =
  | { readonly accepted: true; readonly events: readonly AnimeEvent[] }
  | { readonly accepted: false; readonly rejection: Rejection };

export const decide = (command: AnimeCommand, state: Anime): Decision => {
  if (command.type === 'ListAnime') return decideListing(command, state);
  if (state.status === 'unlisted') return notListed(command);
  if (command.type === 'DelistAnime') {
    return state.status === 'delisted'
      ? accept()
      : accept({ type: 'AnimeDelisted', data: fact(command) });
  }
  if (state.status === 'delisted') return delisted(command);
  return decideInteraction(command);
};

const decideInteraction = (command: InteractionCommand): Decision => {
  const { animeId, at, userId, occurredAt = at } = command;
  if (!isTimely(occurredAt, at)) {
    return refuse('INVALID_TIME', 'It happened more than 7 days before or 5 minutes after now.');
  }
  const data = { animeId, occurredAt, userId };
  switch (command.type) {
    case 'RegisterClick':
      return accept({ type: 'ClickRegistered', data });
    case 'RegisterView': {
      const { durationSeconds } = command;
      if (!isDurationSeconds(durationSeconds)) {
        return refuse('INVALID_DURATION', 'A view lasts 0 to 2,147,483,647 whole seconds.');
      }
      return accept({ type: 'ViewRegistered', data: { ...data, durationSeconds } });
    }
    case 'GiveRating': {
      const { rating } = command;
      if (!isRating(rating)) {
        return refuse('INVALID_RATING', 'A rating is a number from 1 to 10.');
      }
      return accept({ type: 'RatingGiven', data: { ...data, rating: keptRating(rating) } });
    }
  }
};

const decideListing = (command: ListAnime, state: Anime): Decision => {
  if (state.status === 'delisted' && command.relist === false) return delisted(command);
  const details = revisedDetails(state.details, command.details);
  if (state.status !== 'listed') {
    return accept({ type: 'AnimeListed', data: { ...fact(command), details } });
  }
  return areSameDetails(details, state.details)
    ? accept()
    : accept({ type: 'AnimeDetailsRevised', data: { ...fact(command), details } });
};

const fact = ({ animeId, at }: AnimeCommand) => ({ animeId, occurredAt: at });

const accept = (...events: AnimeEvent[]): Decision => ({ accepted: true, events });

const refuse = (code: Rejection['code'], reason: string): Decision => ({
  accepted: false,
  rejection: { code, reason },
});

const notListed = ({ animeId }: AnimeCommand): Decision =>
  refuse('ANIME_NOT_LISTED', `Anime ${animeId} is not in the catalogue.`);

const delisted = ({ animeId }: AnimeCommand): Decision =>
  refuse('ANIME_DELISTED', `Anime ${animeId} has been removed from the catalogue.`);

/** Why a well-formed command is refused. The edge maps every code to one HTTP status. */
export type RejectionCode =
  'ANIME_NOT_LISTED' | 'ANIME_DELISTED' | 'INVALID_RATING' | 'INVALID_DURATION' | 'INVALID_TIME';

export interface Rejection {
  readonly code: RejectionCode;
  /** A sentence for a person. */
  readonly reason: string;
}
