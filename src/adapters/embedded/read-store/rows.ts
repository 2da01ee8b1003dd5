import type { AnimeId, UserId } from '../../../domain/ids.js';
import { nulFree, type SqlValue, withNul } from '../../../embedded-eventstore/sqlite.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DayKey,
  DocumentBatch,
  InteractionDocument,
  InteractionKey,
} from '../../../ports/read-store.js';
import { genreSpellings, searchText } from '../../../wire/search-text.js';
import type { ReadConnection } from './file.js';

/**
 * Converts documents to rows and back. The cost of a row is mostly its size, so frequent rows are
 * small.
 */

type Instant = string | number | null;

export type InteractionRow = [
  animeId: number,
  userId: string,
  generation: number,
  revision: number,
  clicks: number,
  views: number,
  seconds: number,
  lastClick: Instant,
  lastView: Instant,
  ratings: string | null,
];

export const interactionRow = (document: InteractionDocument): InteractionRow => [
  document.animeId,
  nulFree(document.userId),
  document.generation,
  document.revision,
  document.clicks,
  document.views,
  document.seconds,
  instant(document.lastClickAt),
  instant(document.lastViewAt),
  document.ratings.length === 0 ? null : JSON.stringify(document.ratings),
];

export const interactionFromRow = (row: InteractionRow): InteractionDocument => ({
  animeId: row[0] as AnimeId,
  userId: withNul(row[1]) as UserId,
  generation: row[2],
  revision: row[3],
  clicks: row[4],
  views: row[5],
  seconds: row[6],
  lastClickAt: textOfInstant(row[7]),
  lastViewAt: textOfInstant(row[8]),
  ratings: row[9] === null ? [] : (JSON.parse(row[9]) as InteractionDocument['ratings']),
});

/** Milliseconds if they give back the same text, else the text. */
const instant = (text: string | null): Instant => {
  if (text === null) return null;
  const ms = CANONICAL.test(text) ? midnightOf(text.slice(0, 10)) + timeOfDay(text) : NaN;
  return Number.isNaN(ms) ? nulFree(text) : ms;
};

const CANONICAL = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3])(?::[0-5]\d){2}\.\d{3}Z$/;

const timeOfDay = (text: string): number => {
  const minutes = Number(text.slice(11, 13)) * 60 + Number(text.slice(14, 16));
  return minutes * 60_000 + Math.round(Number(text.slice(17, 23)) * 1000);
};

let lastDay = { day: '', midnight: NaN };

/**
 * NaN if there is no such day. Cached, because the times in a save are mostly of the same day and parsing
 * a date costs ten times as much.
 */
const midnightOf = (day: string): number => {
  if (day === lastDay.day) return lastDay.midnight;
  const ms = Date.parse(day);
  const exists = !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
  lastDay = { day, midnight: exists ? ms : NaN };
  return lastDay.midnight;
};

const textOfInstant = (stored: Instant): string | null =>
  typeof stored === 'number'
    ? new Date(stored).toISOString()
    : stored === null
      ? null
      : withNul(stored);

export type DayRow = [
  animeId: number,
  day: string,
  generation: number,
  revision: number,
  clicks: number,
  views: number,
  ratings: number,
  seconds: number,
  total: number,
];

export const dayRow = (document: DailyActivityDocument): DayRow => [
  document.animeId,
  nulFree(document.day),
  document.generation,
  document.revision,
  document.clicks,
  document.views,
  document.ratings,
  document.seconds,
  document.clicks + document.views + document.ratings,
];

const dayFromRow = (row: DayRow): DailyActivityDocument => ({
  animeId: row[0] as AnimeId,
  day: withNul(row[1]),
  generation: row[2],
  revision: row[3],
  clicks: row[4],
  views: row[5],
  ratings: row[6],
  seconds: row[7],
});

export type AnimeRow = [
  animeId: number,
  generation: number,
  revision: number,
  views: number,
  average: number | null,
  ratingCount: number,
  facets: string | null,
  document: string,
];

export const animeRow = (document: AnimeDocument): AnimeRow => [
  document.animeId,
  document.generation,
  document.revision,
  document.views,
  document.ratingCount > 0 ? document.ratingSum / document.ratingCount : null,
  document.ratingCount,
  document.status === 'listed' ? facetsOf(document.details) : null,
  JSON.stringify(document),
];

/** The values of rows, one row after another. */
export interface BatchRows {
  readonly interactions: readonly SqlValue[];
  readonly days: readonly SqlValue[];
  readonly animes: readonly SqlValue[];
}

/** For the writer thread: cloning a flat array costs a quarter of cloning the documents. */
export const batchRowsOf = ({ interactions, days, animes }: DocumentBatch): BatchRows => ({
  interactions: valuesOf(interactions, interactionRow),
  days: valuesOf(days, dayRow),
  animes: valuesOf(animes, animeRow),
});

/** In an array of its final length: one that grows is copied again and again. */
const valuesOf = <Document>(
  documents: readonly Document[],
  rowOf: (document: Document) => readonly SqlValue[],
): readonly SqlValue[] => {
  const [first] = documents;
  const values = new Array<SqlValue>(first ? documents.length * rowOf(first).length : 0);
  let at = 0;
  for (const document of documents) for (const value of rowOf(document)) values[at++] = value;
  return values;
};

export const animeFromJson = (document: string): AnimeDocument =>
  JSON.parse(document) as AnimeDocument;

/** Keyed by object: details rarely change, and unchanged ones are the same object in every save. */
const knownFacets = new WeakMap<AnimeDocument['details'], string>();

/** The values by which a listed anime is searched. */
const facetsOf = (details: AnimeDocument['details']): string => {
  const known = knownFacets.get(details);
  if (known !== undefined) return known;
  const genres = [...genreSpellings(details.genres)];
  const facets = JSON.stringify({
    title: textKey(details.title),
    type: details.type === null ? null : textKey(details.type),
    score: details.score,
    popularity: details.popularity,
    genres: genres.map(([key, spelling]) => [nulFree(key), nulFree(spelling)]),
    genreSet: genreSet(genres.map(([key]) => key)),
  });
  knownFacets.set(details, facets);
  return facets;
};

/** Genre keys as one text, each between line feeds, which a JSON string never contains. */
const genreSet = (keys: readonly string[]): string => ['', ...keys.map(asJson), ''].join('\n');

/** The text by which a genre is found in a genre set. */
export const genreInSet = (genre: string): string => `\n${asJson(searchText(genre))}\n`;

const asJson = (text: string): string => JSON.stringify(text);

/** The form in which a text is stored and searched without regard to case and accents. */
export const textKey = (text: string): string => nulFree(searchText(text));

export const INTERACTION_COLUMNS =
  'anime_id, user_id, generation, revision, clicks, views, seconds, last_click, last_view, ratings';
const DAY_COLUMNS = 'anime_id, day, generation, revision, clicks, views, ratings, seconds, total';

/** One query for all keys takes a third of the time of one per key. Keys are in column order. */
const byKeys = (columns: string, table: string, key: readonly [string, string]): string => `
  SELECT ${columns.replaceAll(/\w+/g, 'd.$&')}
  FROM json_each(?) AS k CROSS JOIN ${table} AS d
  ON d.${key[0]} = k.value ->> 0 AND d.${key[1]} = k.value ->> 1`;

const ANIMES_BY_ID = `
  SELECT d.document FROM json_each(?) AS k CROSS JOIN animes AS d ON d.anime_id = k.value`;
const INTERACTIONS_BY_KEY = byKeys(INTERACTION_COLUMNS, 'interactions', ['anime_id', 'user_id']);
const DAYS_BY_KEY = byKeys(DAY_COLUMNS, 'days', ['anime_id', 'day']);

export interface DocumentReads {
  animes(ids: readonly AnimeId[]): AnimeDocument[];
  interactions(keys: readonly InteractionKey[]): InteractionDocument[];
  days(keys: readonly DayKey[]): DailyActivityDocument[];
  animesAfter(after: number | null, limit: number): AnimeDocument[];
  interactionsAfter(animeId: AnimeId, after: string | null, limit: number): InteractionDocument[];
  daysAfter(animeId: AnimeId, after: string | null, limit: number): DailyActivityDocument[];
  flushed(): string | undefined;
}

/** Reads documents by key, or all of them page by page in key order. */
export const documentReads = (db: ReadConnection): DocumentReads => ({
  animes: (ids: readonly AnimeId[]): AnimeDocument[] =>
    db.all(ANIMES_BY_ID, JSON.stringify(ids)).map((row) => animeFromJson((row as [string])[0])),

  interactions: (keys: readonly InteractionKey[]): InteractionDocument[] =>
    db
      .all(
        INTERACTIONS_BY_KEY,
        pairs(keys, ({ animeId, userId }) => [animeId, nulFree(userId)]),
      )
      .map((row) => interactionFromRow(row as InteractionRow)),

  days: (keys: readonly DayKey[]): DailyActivityDocument[] =>
    db
      .all(
        DAYS_BY_KEY,
        pairs(keys, ({ animeId, day }) => [animeId, nulFree(day)]),
      )
      .map((row) => dayFromRow(row as DayRow)),

  animesAfter: (after: number | null, limit: number): AnimeDocument[] =>
    db
      .all(
        'SELECT document FROM animes WHERE anime_id > ? ORDER BY anime_id LIMIT ?',
        after ?? 0,
        limit,
      )
      .map((row) => animeFromJson((row as [string])[0])),

  interactionsAfter: (
    animeId: AnimeId,
    after: string | null,
    limit: number,
  ): InteractionDocument[] =>
    db
      .all(
        `SELECT ${INTERACTION_COLUMNS} FROM interactions
         WHERE anime_id = ? AND user_id ${above(after)} ? ORDER BY user_id LIMIT ?`,
        animeId,
        nulFree(after ?? ''),
        limit,
      )
      .map((row) => interactionFromRow(row as InteractionRow)),

  daysAfter: (animeId: AnimeId, after: string | null, limit: number): DailyActivityDocument[] =>
    db
      .all(
        `SELECT ${DAY_COLUMNS} FROM days WHERE anime_id = ? AND day ${above(after)} ? ORDER BY day LIMIT ?`,
        animeId,
        nulFree(after ?? ''),
        limit,
      )
      .map((row) => dayFromRow(row as DayRow)),

  flushed: (): string | undefined =>
    (db.get('SELECT position FROM flushed') as [string] | undefined)?.[0],
});

const pairs = <Key>(keys: readonly Key[], pair: (key: Key) => [number, string]): string =>
  JSON.stringify(keys.map(pair));

/** The empty text is a valid key and the first one, so the first page includes it. */
const above = (after: string | null): string => (after === null ? '>=' : '>');
