import type { AnimeCommand } from '../../src/domain/commands.js';
import { type AnimeDetails, completeDetails } from '../../src/domain/details.js';
import type { AnimeEvent } from '../../src/domain/events.js';
import type { AnimeId, UserId } from '../../src/domain/ids.js';

/** One canonical example of every message, shared by all tests. */

export const animeId = (id: number): AnimeId => id as AnimeId;
export const userId = (id: string): UserId => id as UserId;

export const AT = '2026-11-24T10:00:00.000Z';

export const COWBOY_BEBOP: AnimeDetails = completeDetails({
  title: 'Cowboy Bebop',
  type: 'TV',
  episodes: 26,
  genres: ['Action', 'Sci-Fi'],
  score: 8.75,
  popularity: 43,
  members: 1771505,
});

const one = animeId(1);
const spike = userId('spike');

export const commands = {
  list: { type: 'ListAnime', animeId: one, at: AT, details: COWBOY_BEBOP },
  delist: { type: 'DelistAnime', animeId: one, at: AT },
  click: { type: 'RegisterClick', animeId: one, at: AT, userId: spike },
  view: { type: 'RegisterView', animeId: one, at: AT, userId: spike, durationSeconds: 1440 },
  rating: { type: 'GiveRating', animeId: one, at: AT, userId: spike, rating: 8.75 },
} as const satisfies Record<string, AnimeCommand>;

const fact = { animeId: one, occurredAt: AT };

export const events = {
  listed: { type: 'AnimeListed', data: { ...fact, details: COWBOY_BEBOP } },
  revised: {
    type: 'AnimeDetailsRevised',
    data: { ...fact, details: { ...COWBOY_BEBOP, score: 8.8 } },
  },
  delisted: { type: 'AnimeDelisted', data: fact },
  click: { type: 'ClickRegistered', data: { ...fact, userId: spike } },
  view: { type: 'ViewRegistered', data: { ...fact, userId: spike, durationSeconds: 1440 } },
  rating: { type: 'RatingGiven', data: { ...fact, userId: spike, rating: 8.75 } },
} as const satisfies Record<string, AnimeEvent>;
