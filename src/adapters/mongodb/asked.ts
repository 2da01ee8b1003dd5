import type { Document, Sort } from 'mongodb';
import type { AnimeId, UserId } from '../../domain/ids.js';
import type { AnimeSearch } from '../../ports/read-store.js';
import { BY_AVERAGE, LISTED, ORDERS, searchFilter, withAnyOf } from './search.js';
import { animeIdText } from './stored-documents.js';

/** What is asked of a collection, apart from how much of it: what an index has to serve. */
export interface Asked {
  readonly filter: Document;
  readonly sort: Sort;
}

/**
 * For a find of at most so many documents: a first batch is 101 without it. One more than the most,
 * so that the server sees the end with the last of them and keeps no cursor.
 */
export const inOneBatch = (documents: number): { readonly batchSize: number } => ({
  batchSize: documents + 1,
});

export const mostViewed = (): Asked => ({
  filter: { ...LISTED, 'd.views': { $gt: 0 } },
  sort: ORDERS.views,
});

export const bestRated = (minRatings: number): Asked => ({
  filter: { ...LISTED, 'd.ratingCount': { $gte: Math.max(1, minRatings) } },
  sort: BY_AVERAGE,
});

export const searched = (query: AnimeSearch): Asked => ({
  filter: searchFilter(query),
  sort: ORDERS[query.sortBy],
});

export const othersByScore = (than: AnimeId): Asked => ({
  filter: { ...LISTED, _id: { $ne: animeIdText(than) } },
  sort: ORDERS.score,
});

export const sharingGenres = (than: AnimeId, genreKeys: readonly string[]): Asked => {
  const { filter, sort } = othersByScore(than);
  return { filter: { ...filter, ...withAnyOf(genreKeys) }, sort };
};

export const interactionsAfter = (userId: UserId, after: AnimeId | null): Asked => ({
  filter: {
    'd.userId': { $eq: userId },
    'd.animeId': { $gt: after ?? 0 },
    'd.revision': { $gte: 0 },
  },
  sort: { 'd.animeId': 1 },
});

export const animesAfter = (after: AnimeId | null): Asked => ({
  filter: { 'd.animeId': { $gt: after ?? 0 } },
  sort: { 'd.animeId': 1 },
});

/** The ids of an anime's parts begin with its own, up to the character after the colon. */
export const partsAfter = (id: AnimeId, after: string | null): Asked => ({
  filter: { _id: { $gt: after ?? `${id}:`, $lt: `${id};` } },
  sort: { _id: 1 },
});
