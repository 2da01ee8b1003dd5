import type { AnimeId } from '../../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DayKey,
  InteractionDocument,
  InteractionKey,
} from '../../../ports/read-store.js';
import { nulFree } from '../../../embedded-eventstore/nul-free.js';
import type { Connection } from './file.js';
import { animeOf, dayOf, interactionOf, type DayRow, type InteractionRow } from './rows.js';

export const INTERACTION_COLUMNS =
  'anime_id, user_id, generation, revision, clicks, views, seconds, last_click, last_view, ratings';
const DAY = 'anime_id, day, generation, revision, clicks, views, ratings, seconds, total';

/** One question for all keys: a third of the time of one each. Keys are in the order of the columns. */
const byKeys = (columns: string, table: string, key: readonly [string, string]): string => `
  SELECT ${columns.replaceAll(/\w+/g, 'd.$&')}
  FROM json_each(?) AS k CROSS JOIN ${table} AS d
  ON d.${key[0]} = k.value ->> 0 AND d.${key[1]} = k.value ->> 1`;

const ANIMES_BY_ID = `
  SELECT d.document FROM json_each(?) AS k CROSS JOIN animes AS d ON d.anime_id = k.value`;
const INTERACTIONS_BY_KEY = byKeys(INTERACTION_COLUMNS, 'interactions', ['anime_id', 'user_id']);
const DAYS_BY_KEY = byKeys(DAY, 'days', ['anime_id', 'day']);

/** Documents by their keys, and all of them page by page, in key order. */
export const documentReads = (db: Connection) => ({
  animes: (ids: readonly AnimeId[]): AnimeDocument[] =>
    db.all(ANIMES_BY_ID, JSON.stringify(ids)).map((row) => animeOf((row as [string])[0])),

  interactions: (keys: readonly InteractionKey[]): InteractionDocument[] =>
    db
      .all(
        INTERACTIONS_BY_KEY,
        pairs(keys, ({ animeId, userId }) => [animeId, nulFree(userId)]),
      )
      .map((row) => interactionOf(row as InteractionRow)),

  days: (keys: readonly DayKey[]): DailyActivityDocument[] =>
    db
      .all(
        DAYS_BY_KEY,
        pairs(keys, ({ animeId, day }) => [animeId, nulFree(day)]),
      )
      .map((row) => dayOf(row as DayRow)),

  animesAfter: (after: number | null, limit: number): AnimeDocument[] =>
    db
      .all(
        'SELECT document FROM animes WHERE anime_id > ? ORDER BY anime_id LIMIT ?',
        after ?? 0,
        limit,
      )
      .map((row) => animeOf((row as [string])[0])),

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
      .map((row) => interactionOf(row as InteractionRow)),

  daysAfter: (animeId: AnimeId, after: string | null, limit: number): DailyActivityDocument[] =>
    db
      .all(
        `SELECT ${DAY} FROM days WHERE anime_id = ? AND day ${above(after)} ? ORDER BY day LIMIT ?`,
        animeId,
        nulFree(after ?? ''),
        limit,
      )
      .map((row) => dayOf(row as DayRow)),

  flushed: (): string | undefined =>
    (db.get('SELECT position FROM flushed') as [string] | undefined)?.[0],
});

export type DocumentReads = ReturnType<typeof documentReads>;

const pairs = <Key>(keys: readonly Key[], pair: (key: Key) => [number, string]): string =>
  JSON.stringify(keys.map(pair));

/** The empty text is a key too: it comes first, after nothing. */
const above = (after: string | null): string => (after === null ? '>=' : '>');
