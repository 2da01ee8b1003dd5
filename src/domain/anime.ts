import type { AnimeDetails } from './details.js';
import type { AnimeEvent } from './events.js';

/** All that a decision needs to know of an anime: small whatever the length of its stream. */
export interface Anime {
  readonly status: 'unlisted' | 'listed' | 'delisted';
  /** The last known details, kept through a delisting; null while never listed. */
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
