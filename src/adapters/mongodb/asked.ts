import { BSONRegExp, type Document, type Sort } from 'mongodb';
import type { AnimeId, UserId } from '../../domain/ids.js';
import type { AnimeSearch, SortBy } from '../../ports/read-store.js';
import { searchText } from '../../wire/search-text.js';
import { animeIdText } from './stored-documents.js';

/** What is asked of a collection, without limits: what an index must support. */
export interface Question {
  readonly filter: Document;
  readonly sort: Sort;
}

/**
 * For a find with a known maximum: the default first batch is 101 documents. One more than the
 * maximum lets the server see the end with the last document and keep no cursor.
 */
export const inOneBatch = (documents: number): { readonly batchSize: number } => ({
  batchSize: documents + 1,
});

export const mostViewed = (): Question => ({
  filter: { ...ONLY_LISTED, 'd.views': { $gt: 0 } },
  sort: SORTS.views,
});

export const bestRated = (minRatings: number): Question => ({
  filter: { ...ONLY_LISTED, 'd.ratingCount': { $gte: Math.max(1, minRatings) } },
  sort: BY_AVERAGE,
});

export const searched = (query: AnimeSearch): Question => ({
  filter: searchFilter(query),
  sort: SORTS[query.sortBy],
});

export const othersByScore = (than: AnimeId): Question => ({
  filter: { ...ONLY_LISTED, _id: { $ne: animeIdText(than) } },
  sort: SORTS.score,
});

export const sharingGenres = (than: AnimeId, genreKeys: readonly string[]): Question => {
  const { filter, sort } = othersByScore(than);
  return { filter: { ...filter, ...withAnyOf(genreKeys) }, sort };
};

export const interactionsAfter = (userId: UserId, after: AnimeId | null): Question => ({
  filter: {
    'd.userId': { $eq: userId },
    'd.animeId': { $gt: after ?? 0 },
    'd.revision': { $gte: 0 },
  },
  sort: { 'd.animeId': 1 },
});

export const animesAfter = (after: AnimeId | null): Question => ({
  filter: { 'd.animeId': { $gt: after ?? 0 } },
  sort: { 'd.animeId': 1 },
});

/** Ids of an anime's parts start with its own id and a colon; the next character ends the range. */
export const partsAfter = (id: AnimeId, after: string | null): Question => ({
  filter: { _id: { $gt: after ?? `${id}:`, $lt: `${id};` } },
  sort: { _id: 1 },
});

/** Lists omit delisted anime. */
export const ONLY_LISTED: Document = { 'd.listed': true };

/**
 * Each order is total and matches an index. Null sorts below any number, so last when descending.
 */
const SORTS: Readonly<Record<SortBy, Sort>> = {
  popularity: { 'd.popularityKey': 1, 'd.animeId': 1 },
  score: { 'd.details.score': -1, 'd.animeId': 1 },
  title: { 'd.titleKey': 1, 'd.animeId': 1 },
  views: { 'd.views': -1, 'd.animeId': 1 },
};

const BY_AVERAGE: Sort = { 'd.average': -1, 'd.ratingCount': -1, 'd.animeId': 1 };

export const searchFilter = ({ search, type, genres, minScore }: AnimeSearch): Document => ({
  ...ONLY_LISTED,
  ...(search === undefined ? {} : { 'd.titleKey': containing(searchText(search)) }),
  ...(type === undefined ? {} : { 'd.typeKey': { $eq: searchText(type) } }),
  ...(genres === undefined || genres.length === 0 ? {} : withAnyOf(genres.map(searchText))),
  ...(minScore === undefined ? {} : { 'd.details.score': { $gte: minScore } }),
});

/** Titles with any of these genre keys. */
const withAnyOf = (genreKeys: readonly string[]): Document => ({
  'd.genreKeys': { $in: genreKeys },
});

/**
 * A pattern that matches the text literally. A BSON pattern cannot hold NUL, so NUL is escaped too.
 */
export const containing = (text: string): BSONRegExp => new BSONRegExp(regexLiteral(text));

const regexLiteral = (text: string): string =>
  text.replaceAll(ASCII_BUT_WORDS, (character) => `\\x{${character.charCodeAt(0).toString(16)}}`);

const ASCII_BUT_WORDS = /(?![\p{L}\p{N}])\p{ASCII}/gu;
