import { isDeepStrictEqual } from 'node:util';
import type { AnimeId } from '../domain/ids.js';
import type { Projections } from '../ports/projections.js';
import type { AnimeDocument } from '../ports/read-store.js';
import {
  ANIME_ACTIVITY,
  ANIME_RATING_SUMMARY,
  activityOf,
  ratingsOf,
  type ActivityState,
  type RatingState,
} from './projection-states.js';

export interface ProjectionDifference {
  readonly animeId: AnimeId;
  readonly projection: string;
  readonly revision: number;
  readonly document: Readonly<Record<string, number>>;
  readonly state: Readonly<Record<string, number>>;
}

/** What comparing one anime came to; 'later' where a side has yet to come as far as the other. */
export type Verdict =
  | { readonly kind: 'equal' }
  | { readonly kind: 'different'; readonly differences: readonly ProjectionDifference[] }
  | { readonly kind: 'later' | 'never'; readonly reason: string };

/**
 * Compares one anime at equal revisions. The activity says how far it is, and which rating it saw
 * last: the summary is as far when that is the last one it includes, whatever came after. All three
 * are functions of the stream up to a revision, so it does not matter that they are read one after
 * the other.
 */
export const judgeAnime = async (
  projections: Projections,
  document: AnimeDocument,
): Promise<Verdict> => {
  const { animeId } = document;
  const activity = await activityOf(projections, animeId);
  if (activity === 'unreadable') return unreadable(ANIME_ACTIVITY);
  if (!isAt(activity, document)) {
    return later(ANIME_ACTIVITY, activity.revision, `the document at ${document.revision}`);
  }
  const ratings = await ratingsOf(projections, animeId);
  if (ratings === 'unreadable') return unreadable(ANIME_RATING_SUMMARY);
  if (ratings.revision !== activity.ratingRevision) {
    const wanted = `the document's last rating at ${activity.ratingRevision}`;
    return later(ANIME_RATING_SUMMARY, ratings.revision, wanted);
  }
  return compare(document, activity, ratings);
};

const unreadable = (projection: string): Verdict => ({
  kind: 'never',
  reason: `The state of ${projection} is not that of this version: deploy the projections.`,
});

const later = (projection: string, at: number, other: string): Verdict => ({
  kind: 'later',
  reason: `${projection} is at revision ${at}, ${other}.`,
});

/** The engine may leave out events that are no JSON: the document lists those as skipped. */
const isAt = ({ revision }: ActivityState, document: AnimeDocument): boolean => {
  const missing = document.revision - revision;
  if (missing <= 0) return missing === 0;
  return document.skipped.filter((skipped) => skipped > revision).length === missing;
};

const compare = (
  document: AnimeDocument,
  activity: ActivityState,
  ratings: RatingState,
): Verdict => {
  const { animeId, revision, clicks, views, seconds, ratingCount, ratingSum } = document;
  const pairs = [
    {
      projection: ANIME_ACTIVITY,
      document: { clicks, views, seconds },
      state: { clicks: activity.clicks, views: activity.views, seconds: activity.seconds },
    },
    {
      projection: ANIME_RATING_SUMMARY,
      document: { ratingCount, ratingSum },
      state: { ratingCount: ratings.ratingCount, ratingSum: ratings.ratingSum },
    },
  ];
  const differences = pairs
    .filter((pair) => !isDeepStrictEqual(pair.document, pair.state))
    .map((pair) => ({ animeId, revision, ...pair }));
  return differences.length === 0 ? { kind: 'equal' } : { kind: 'different', differences };
};
