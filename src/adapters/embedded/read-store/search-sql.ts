import type { AnimeSearch, SortBy } from '../../../ports/read-store.js';
import { nulFree } from '../nul-free.js';
import type { SqlValue } from '../sqlite.js';
import { textKey } from './rows.js';

export interface SearchSql {
  readonly matches: string;
  readonly count: string;
  readonly parameters: readonly SqlValue[];
}

interface Condition {
  readonly sql: string;
  readonly parameter: SqlValue;
}

/** Each order is that of an index, and total. */
const ORDERS: Readonly<Record<SortBy, string>> = {
  popularity: 't.popularity IS NULL, t.popularity, t.anime_id',
  score: 't.score DESC, t.anime_id',
  title: 't.title, t.anime_id',
  views: 'a.views DESC, a.anime_id',
};

const LISTED = 'titles t CROSS JOIN animes a USING (anime_id)';
/** The order of the views is in the other table, so that one leads. */
const LISTED_BY_VIEWS = 'animes a CROSS JOIN titles t USING (anime_id)';

/** Only as many statements as there are sets of filters: values are always parameters. */
export const searchSql = (query: AnimeSearch): SearchSql => {
  const conditions = conditionsOf(query);
  const where = conditions.map(({ sql }) => ` AND ${sql}`).join('');
  const from = query.sortBy === 'views' ? LISTED_BY_VIEWS : LISTED;
  return {
    matches: `SELECT a.document FROM ${from} WHERE a.facets IS NOT NULL${where}
      ORDER BY ${ORDERS[query.sortBy]} LIMIT ? OFFSET ?`,
    count: `SELECT count(*) FROM titles t WHERE 1${where}`,
    parameters: conditions.map(({ parameter }) => parameter),
  };
};

const conditionsOf = ({ search, type, genres, minScore }: AnimeSearch): readonly Condition[] => [
  ...(search === undefined ? [] : [{ sql: 'instr(t.title, ?) > 0', parameter: textKey(search) }]),
  ...(type === undefined ? [] : [{ sql: 't.type = ?', parameter: textKey(type) }]),
  ...(genres === undefined || genres.length === 0
    ? []
    : [{ sql: OF_ANY_GENRE, parameter: JSON.stringify(genres.map(nulFree)) }]),
  ...(minScore === undefined ? [] : [{ sql: 't.score >= ?', parameter: minScore }]),
];

const OF_ANY_GENRE = `t.anime_id IN (SELECT anime_id FROM title_genres
  WHERE genre IN (SELECT value FROM json_each(?)))`;
