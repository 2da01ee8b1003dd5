import type { AnimeDocument, InteractionDocument, UserInteractions } from '../ports/read-store.js';
import { encodeCursor } from './cursor.js';

/**
 * Documents in the shapes of the schema, as plain values: the executor then reads properties and
 * calls no resolver per field. An `id` begins with its type, because some client caches know an
 * object by its id alone.
 */

/** One division of whole numbers, so the mean is as exact as a double can be. */
const averageOf = ({ ratingSum, ratingCount }: AnimeDocument): number | null =>
  ratingCount === 0 ? null : ratingSum / (ratingCount * 100);

export const toStats = (document: AnimeDocument) => ({
  id: `AnimeStats:${document.animeId}`,
  animeId: document.animeId,
  title: document.details.title,
  image: document.details.image,
  totalClicks: document.clicks,
  totalViews: document.views,
  totalRatings: document.ratingCount,
  averageRating: averageOf(document),
  totalDurationSeconds: document.seconds,
});

export const toAnime = ({ animeId, details }: AnimeDocument) => ({
  id: `Anime:${animeId}`,
  myanimelistId: animeId,
  title: details.title,
  description: details.description,
  image: details.image,
  type: details.type,
  episodes: details.episodes,
  score: details.score,
  popularity: details.popularity,
});

export const toAnimeWithStats = (document: AnimeDocument) => ({
  ...toAnime(document),
  id: `AnimeWithStats:${document.animeId}`,
  genres: document.details.genres.join(', ') || null,
  totalClicks: document.clicks,
  totalViews: document.views,
  totalRatings: document.ratingCount,
  averageRating: averageOf(document),
});

export const toDistribution = (document: AnimeDocument) => ({
  id: `RatingDistribution:${document.animeId}`,
  animeId: document.animeId,
  total: document.ratingCount,
  average: averageOf(document),
  buckets: document.ratingBuckets.map((count, index) => ({ stars: index + 1, count })),
});

const toInteraction = (document: InteractionDocument) => {
  const rating = document.ratings.at(-1);
  return {
    id: `UserInteraction:${document.animeId}:${document.userId}`,
    animeId: document.animeId,
    totalClicks: document.clicks,
    totalViews: document.views,
    totalDurationSeconds: document.seconds,
    rating: rating === undefined ? null : rating.hundredths / 100,
    ratedAt: rating?.at ?? null,
    lastClickAt: document.lastClickAt,
    lastViewAt: document.lastViewAt,
  };
};

export const toConnection = ({ items, hasMore }: UserInteractions, isFirstPage: boolean) => {
  const edges = items.map((document) => ({
    node: toInteraction(document),
    cursor: encodeCursor(document.animeId),
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: hasMore,
      hasPreviousPage: !isFirstPage,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
};
