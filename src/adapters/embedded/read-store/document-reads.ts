import type { AnimeId } from '../../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DayKey,
  InteractionDocument,
  InteractionKey,
} from '../../../ports/read-store.js';
import { nulFree } from '../nul-free.js';
import type { Connection } from './connection.js';
import { animeOf, dayOf, interactionOf, type DayRow, type InteractionRow } from './rows.js';

export const INTERACTION_COLUMNS =
  'anime_id, user_id, generation, revision, clicks, views, seconds, last_click, last_view, ratings';
const DAY = 'anime_id, day, generation, revision, clicks, views, ratings, seconds, total';

/** Documents by their keys, in key order, and all of them page by page. */
export const documentReads = (db: Connection) => ({
  animes: (ids: readonly AnimeId[]): AnimeDocument[] =>
    found(ids, (id) => db.get('SELECT document FROM animes WHERE anime_id = ?', id)).map((row) =>
      animeOf((row as [string])[0]),
    ),

  interactions: (keys: readonly InteractionKey[]): InteractionDocument[] =>
    found(keys, ({ animeId, userId }) =>
      db.get(
        `SELECT ${INTERACTION_COLUMNS} FROM interactions WHERE anime_id = ? AND user_id = ?`,
        animeId,
        nulFree(userId),
      ),
    ).map((row) => interactionOf(row as InteractionRow)),

  days: (keys: readonly DayKey[]): DailyActivityDocument[] =>
    found(keys, ({ animeId, day }) =>
      db.get(`SELECT ${DAY} FROM days WHERE anime_id = ? AND day = ?`, animeId, nulFree(day)),
    ).map((row) => dayOf(row as DayRow)),

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

const found = <Key>(keys: readonly Key[], read: (key: Key) => unknown): unknown[] =>
  keys.map(read).filter((row) => row !== undefined);

/** The empty text is a key too: it comes first, after nothing. */
const above = (after: string | null): string => (after === null ? '>=' : '>');
