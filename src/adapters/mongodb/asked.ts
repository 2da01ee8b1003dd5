import { BSONRegExp, type Document, type Sort } from 'mongodb';
import type { AnimeId, UserId } from '../../domain/ids.js';
import type { AnimeSearch, SortBy } from '../../ports/read-store.js';
import { searchText } from '../../wire/search-text.js';
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

/** Lists leave out what is delisted. */
export const LISTED: Document = { 'd.listed': true };

/** Each order is that of an index, and total. Null is less than any number, so last when descending. */
const ORDERS: Readonly<Record<SortBy, Sort>> = {
  popularity: { 'd.popularityKey': 1, 'd.animeId': 1 },
  score: { 'd.details.score': -1, 'd.animeId': 1 },
  title: { 'd.titleKey': 1, 'd.animeId': 1 },
  views: { 'd.views': -1, 'd.animeId': 1 },
};

const BY_AVERAGE: Sort = { 'd.average': -1, 'd.ratingCount': -1, 'd.animeId': 1 };

export const searchFilter = ({ search, type, genres, minScore }: AnimeSearch): Document => ({
  ...LISTED,
  ...(search === undefined ? {} : { 'd.titleKey': containing(searchText(search)) }),
  ...(type === undefined ? {} : { 'd.typeKey': { $eq: searchText(type) } }),
  ...(genres === undefined || genres.length === 0 ? {} : withAnyOf(genres.map(searchText))),
  ...(minScore === undefined ? {} : { 'd.details.score': { $gte: minScore } }),
});

/** Titles with any genre of these keys. */
const withAnyOf = (genreKeys: readonly string[]): Document => ({
  'd.genreKeys': { $in: genreKeys },
});

/** A pattern that means the text itself. It cannot hold NUL, so that is written as its number too. */
export const containing = (text: string): BSONRegExp => new BSONRegExp(literal(text));

const literal = (text: string): string =>
  text.replaceAll(ASCII_BUT_WORDS, (character) => `\\x{${character.charCodeAt(0).toString(16)}}`);

const ASCII_BUT_WORDS = /(?![\p{L}\p{N}])\p{ASCII}/gu;
