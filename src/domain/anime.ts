import type { AnimeDetails } from './details.js';
import type { AnimeEvent } from './events.js';

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
