import { BSONRegExp, type Document, type Sort } from 'mongodb';
import type { AnimeSearch, SortBy } from '../../ports/read-store.js';
import { searchText } from '../../wire/search-text.js';

/** Lists leave out what is delisted. */
export const LISTED: Document = { 'd.listed': true };

/** Each order is that of an index, and total. Null is less than any number, so last when descending. */
export const ORDERS: Readonly<Record<SortBy, Sort>> = {
  popularity: { 'd.popularityKey': 1, 'd.animeId': 1 },
  score: { 'd.details.score': -1, 'd.animeId': 1 },
  title: { 'd.titleKey': 1, 'd.animeId': 1 },
  views: { 'd.views': -1, 'd.animeId': 1 },
};

export const BY_AVERAGE: Sort = { 'd.average': -1, 'd.ratingCount': -1, 'd.animeId': 1 };

export const searchFilter = ({ search, type, genres, minScore }: AnimeSearch): Document => ({
  ...LISTED,
  ...(search === undefined ? {} : { 'd.titleKey': containing(searchText(search)) }),
  ...(type === undefined ? {} : { 'd.typeKey': { $eq: searchText(type) } }),
  ...(genres === undefined || genres.length === 0 ? {} : withAnyOf(genres.map(searchText))),
  ...(minScore === undefined ? {} : { 'd.details.score': { $gte: minScore } }),
});

/** Titles with any genre of these keys. */
export const withAnyOf = (genreKeys: readonly string[]): Document => ({
  'd.genreKeys': { $in: genreKeys },
});

/** A pattern that means the text itself. It cannot hold NUL, so that is written as its number too. */
export const containing = (text: string): BSONRegExp => new BSONRegExp(literal(text));

const literal = (text: string): string =>
  text.replaceAll(ASCII_BUT_WORDS, (character) => `\\x{${character.charCodeAt(0).toString(16)}}`);

const ASCII_BUT_WORDS = /(?![\p{L}\p{N}])\p{ASCII}/gu;
