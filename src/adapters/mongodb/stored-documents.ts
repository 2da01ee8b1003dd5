import { BSONRegExp, type Document, Long, type Sort } from 'mongodb';
import type { AnimeId, UserId } from '../../domain/ids.js';
import type {
  ActivityOfDay,
  AnimeDocument,
  AnimeSearch,
  DailyActivityDocument,
  DayKey,
  DayRange,
  Guarded,
  InteractionDocument,
  InteractionKey,
  SortBy,
} from '../../ports/read-store.js';
import { genreSpellings, searchText } from '../../wire/search-text.js';

/**
 * A stored document. The guard fields come first in `d`, because embedded documents are compared
 * field by field: see `document-store.ts`. Texts from outside are only values, never field names.
 */
export interface StoredDocument<Document extends Guarded> {
  readonly _id: string;
  readonly d: Guarded & { readonly precedence: number } & Document;
}

export type StoredInteraction = StoredDocument<InteractionDocument>;

/** With the total by which days are ranked. */
export type StoredDay = StoredDocument<DailyActivityDocument & { readonly total: number }>;

/** With the fields by which titles are searched and ranked. */
export type StoredAnime = StoredDocument<
  AnimeDocument & {
    readonly listed: boolean;
    /** Null without ratings. */
    readonly average: number | null;
    /** The form in which texts are compared without regard to case and accents. */
    readonly titleKey: string;
    readonly typeKey: string | null;
    readonly genreKeys: readonly string[];
    /** Unknown sorts last. */
    readonly popularityKey: number;
  }
>;

export const interactionId = ({ animeId, userId }: InteractionKey): string =>
  `${animeId}:${userId}`;
export const dayId = ({ animeId, day }: DayKey): string => `${animeId}:${day}`;
export const animeIdText = (animeId: AnimeId): string => String(animeId);

/** A 64-bit integer in the database, read back as a number. */
const long = (value: number): number => Long.fromNumber(value) as unknown as number;

const guard = ({ generation, revision }: Guarded, precedence: number) => ({
  generation: long(generation),
  revision: long(revision),
  precedence: long(precedence),
});

export const storedInteraction = (
  document: InteractionDocument,
  precedence: number,
): StoredInteraction => ({
  _id: interactionId(document),
  d: {
    ...guard(document, precedence),
    ...interactionFieldsOf(document),
    ratings: document.ratings.map((entry) => ({ ...entry, revision: long(entry.revision) })),
  },
});

export const interactionFrom = ({ d }: StoredInteraction): InteractionDocument => ({
  generation: d.generation,
  revision: d.revision,
  ...interactionFieldsOf(d),
});

const interactionFieldsOf = (from: InteractionDocument) => ({
  animeId: from.animeId,
  userId: from.userId,
  clicks: from.clicks,
  views: from.views,
  seconds: from.seconds,
  lastClickAt: from.lastClickAt,
  lastViewAt: from.lastViewAt,
  ratings: from.ratings,
});

export const storedDay = (document: DailyActivityDocument, precedence: number): StoredDay => ({
  _id: dayId(document),
  d: {
    ...guard(document, precedence),
    ...dayFields(document),
    total: document.clicks + document.views + document.ratings,
  },
});

export const dayFrom = ({ d }: StoredDay): DailyActivityDocument => ({
  generation: d.generation,
  revision: d.revision,
  ...dayFields(d),
});

export const activityFrom = ({ d }: StoredDay): ActivityOfDay => ({
  day: d.day,
  clicks: d.clicks,
  views: d.views,
  ratings: d.ratings,
  seconds: d.seconds,
});

const dayFields = (from: DailyActivityDocument) => ({
  animeId: from.animeId,
  day: from.day,
  clicks: from.clicks,
  views: from.views,
  ratings: from.ratings,
  seconds: from.seconds,
});

export const storedAnime = (document: AnimeDocument, precedence: number): StoredAnime => ({
  _id: animeIdText(document.animeId),
  d: {
    ...guard(document, precedence),
    ...animeFields(document),
    skipped: document.skipped.map(long),
    listed: document.status === 'listed',
    average: document.ratingCount > 0 ? document.ratingSum / document.ratingCount : null,
    titleKey: searchText(document.details.title),
    typeKey: document.details.type === null ? null : searchText(document.details.type),
    genreKeys: [...genreSpellings(document.details.genres).keys()],
    popularityKey: document.details.popularity ?? Number.MAX_SAFE_INTEGER,
  },
});

export const animeFrom = ({ d }: StoredAnime): AnimeDocument => ({
  generation: d.generation,
  revision: d.revision,
  ...animeFields(d),
});

const animeFields = (from: AnimeDocument) => ({
  animeId: from.animeId,
  status: from.status,
  details: from.details,
  clicks: from.clicks,
  views: from.views,
  seconds: from.seconds,
  ratingCount: from.ratingCount,
  ratingSum: from.ratingSum,
  ratingBuckets: from.ratingBuckets,
  lastEventId: from.lastEventId,
  skipped: from.skipped,
});

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

/** The days of one anime: their ids end with the day. */
export const daysWithin = (animeId: AnimeId, { from, to }: DayRange): Question => ({
  filter: {
    _id: { $gte: dayId({ animeId, day: from }), $lte: dayId({ animeId, day: to }) },
    'd.total': { $gt: 0 },
  },
  sort: { _id: 1 },
});

/**
 * Served by an index alone, whatever the size of the documents. One counter at a time: FerretDB 1 adds
 * up only the first sum of a `$group`.
 */
export const totalsByDay = (
  { from, to }: DayRange,
  counter: keyof Omit<ActivityOfDay, 'day'>,
): Document[] => [
  { $match: { 'd.day': { $gte: from, $lte: to }, 'd.total': { $gt: 0 } } },
  { $group: { _id: '$d.day', total: { $sum: `$d.${counter}` } } },
  { $sort: { _id: 1 } },
];

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
