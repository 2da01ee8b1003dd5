import type { AnimeSearch, SortBy } from '../../../ports/read-store.js';
import type { SqlValue } from '../../../embedded-eventstore/sqlite.js';
import { genreInSet, textKey } from './rows.js';

export interface SearchSql {
  /** The ids of one page, each with the number of all matches; that one is null without a filter. */
  readonly page: string;
  readonly count: string;
  readonly parameters: readonly SqlValue[];
}

interface Condition {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** Each order is that of an index, and total. */
const ORDERS: Readonly<Record<SortBy, string>> = {
  popularity: 't.popularity IS NULL, t.popularity, t.anime_id',
  score: 't.score DESC, t.anime_id',
  title: 't.title, t.anime_id',
  views: 'a.views DESC, a.anime_id',
};

/** Only as many statements as there are sets of filters: values are always parameters. */
export const searchSql = (query: AnimeSearch): SearchSql => {
  const conditions = conditionsOf(query);
  const filtered = conditions.length > 0;
  const where = conditions.map(({ sql }) => ` AND ${sql}`).join('');
  return {
    page: `SELECT t.anime_id, ${filtered ? 'count(*) OVER ()' : 'NULL'}
      FROM ${tables(query.sortBy, filtered)}
      WHERE 1${where} ORDER BY ${ORDERS[query.sortBy]} LIMIT ? OFFSET ?`,
    count: `SELECT count(*) FROM titles AS t WHERE 1${where}`,
    parameters: conditions.flatMap(({ parameters }) => parameters),
  };
};

/**
 * Without a filter a page is the beginning of an index. With one, walking an index looks up every
 * title on its own, so the titles are read through once, and the few that match are counted and
 * sorted.
 */
const tables = (sortBy: SortBy, filtered: boolean): string => {
  const titles = `titles AS t${filtered ? ' NOT INDEXED' : ''}`;
  if (sortBy !== 'views') return titles;
  return filtered
    ? `${titles} CROSS JOIN animes AS a ON a.anime_id = t.anime_id`
    : `animes AS a CROSS JOIN titles AS t ON t.anime_id = a.anime_id AND a.facets IS NOT NULL`;
};

const conditionsOf = ({ search, type, genres, minScore }: AnimeSearch): readonly Condition[] => [
  ...(search === undefined ? [] : [condition('instr(t.title, ?) > 0', textKey(search))]),
  ...(type === undefined ? [] : [condition('t.type = ?', textKey(type))]),
  ...(genres === undefined || genres.length === 0 ? [] : [anyOf(genres)]),
  ...(minScore === undefined ? [] : [condition('t.score >= ?', minScore)]),
];

const condition = (sql: string, ...parameters: SqlValue[]): Condition => ({ sql, parameters });

/** Comparing in place is three times as fast for a few genres; a long list must not make long SQL. */
const anyOf = (genres: readonly string[]): Condition =>
  genres.length <= 8
    ? condition(
        `(${genres.map(() => 'instr(t.genres, ?) > 0').join(' OR ')})`,
        ...genres.map(genreInSet),
      )
    : condition(
        `t.anime_id IN (SELECT anime_id FROM title_genres
           WHERE key IN (SELECT value FROM json_each(?)))`,
        JSON.stringify(genres.map(textKey)),
      );
