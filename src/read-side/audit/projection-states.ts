import type { AnimeId } from '../../domain/ids.js';
import { streamOf } from '../../domain/stream-name.js';
import type { JsonValue } from '../../ports/json.js';
import type { Projections } from '../../ports/projections.js';

export const ANIME_ACTIVITY = 'anime-activity';
export const ANIME_RATING_CHANGES = 'anime-rating-changes';
export const ANIME_RATING_SUMMARY = 'anime-rating-summary';

/** What `projections/anime-activity.js` keeps of an anime. */
export interface ActivityState {
  readonly clicks: number;
  readonly views: number;
  readonly seconds: number;
  readonly ratingRevision: number;
  readonly revision: number;
}

/** What `projections/anime-rating-summary.js` keeps of an anime. */
export interface RatingState {
  readonly ratingCount: number;
  readonly ratingSum: number;
  readonly revision: number;
}

const NO_ACTIVITY: ActivityState = {
  clicks: 0,
  views: 0,
  seconds: 0,
  ratingRevision: -1,
  revision: -1,
};

const NO_RATINGS: RatingState = { ratingCount: 0, ratingSum: 0, revision: -1 };

/** 'unreadable' is the state of a projection of another version than ours. */
export const activityOf = async (
  projections: Projections,
  animeId: AnimeId,
): Promise<ActivityState | 'unreadable'> =>
  read(await projections.stateOf(ANIME_ACTIVITY, streamOf(animeId)), NO_ACTIVITY);

export const ratingsOf = async (
  projections: Projections,
  animeId: AnimeId,
): Promise<RatingState | 'unreadable'> =>
  read(await projections.stateOf(ANIME_RATING_SUMMARY, `ratings-${animeId}`), NO_RATINGS);

/** The fields that `none` has, each a number; `none` itself where there is no state yet. */
const read = <State extends object>(state: JsonValue, none: State): State | 'unreadable' => {
  if (state === null) return none;
  if (typeof state !== 'object') return 'unreadable';
  const stored = state as Readonly<Record<string, unknown>>;
  const fields = Object.keys(none).map((name) => [name, stored[name]] as const);
  return fields.every(([, value]) => typeof value === 'number')
    ? (Object.fromEntries(fields) as State)
    : 'unreadable';
};
