import type { AnimeId, UserId } from '../../../domain/ids.js';
import type { AnimeDocument, AnimeSearch, UserInteractions } from '../../../ports/read-store.js';
import { nulFree, withNul } from '../nul-free.js';
import type { SqlValue } from '../sqlite.js';
import type { Connection } from './connection.js';
import { INTERACTION_COLUMNS } from './document-reads.js';
import { animeOf, interactionOf, type InteractionRow } from './rows.js';
import { searchSql } from './search-sql.js';

const TOP_BY_VIEWS = `
  SELECT document FROM animes WHERE facets IS NOT NULL AND views > 0
  ORDER BY views DESC, anime_id LIMIT ?`;

const TOP_BY_RATING = `
  SELECT document FROM animes
  WHERE facets IS NOT NULL AND rating_count > 0 AND rating_count >= ?
  ORDER BY average DESC, rating_count DESC, anime_id LIMIT ?`;

const TRENDING = `
  SELECT a.document
  FROM (SELECT anime_id, sum(total) AS total FROM days WHERE day >= ? GROUP BY anime_id) AS recent
  CROSS JOIN animes AS a USING (anime_id)
  WHERE a.facets IS NOT NULL AND recent.total > 0
  ORDER BY recent.total DESC, a.views DESC, a.anime_id LIMIT ?`;

const SHARING_GENRES = `
  SELECT a.document
  FROM (SELECT anime_id, count(*) AS shared FROM title_genres
        WHERE genre IN (SELECT value FROM json_each(?)) AND anime_id <> ? GROUP BY anime_id) AS other
  CROSS JOIN titles AS t USING (anime_id)
  CROSS JOIN animes AS a USING (anime_id)
  ORDER BY other.shared DESC, t.score DESC, t.anime_id LIMIT ?`;

const BEST_SCORES = `
  SELECT a.document FROM titles AS t CROSS JOIN animes AS a USING (anime_id)
  WHERE t.anime_id <> ? ORDER BY t.score DESC, t.anime_id LIMIT ?`;

const INTERACTIONS_OF = `
  SELECT ${INTERACTION_COLUMNS} FROM interactions
  WHERE user_id = ? AND anime_id > ? ORDER BY anime_id LIMIT ?`;

/** The questions of the query API, answered at once on the connection that is given. */
export const queriesOn = (db: Connection) => {
  const animes = (sql: string, ...parameters: SqlValue[]): AnimeDocument[] =>
    db.all(sql, ...parameters).map((row) => animeOf((row as [string])[0]));

  const anime = (id: AnimeId): AnimeDocument | null =>
    animes('SELECT document FROM animes WHERE anime_id = ?', id)[0] ?? null;

  return {
    anime,

    topByViews: (limit: number) => animes(TOP_BY_VIEWS, limit),

    topByRating: (limit: number, minRatings: number) => animes(TOP_BY_RATING, minRatings, limit),

    search: (query: AnimeSearch) => {
      const { matches, count, parameters } = searchSql(query);
      const [total] = db.get(count, ...parameters) as [number];
      return { items: animes(matches, ...parameters, query.limit, query.offset), total };
    },

    trending: (sinceDay: string, limit: number) => animes(TRENDING, sinceDay, limit),

    recommended: (basedOn: AnimeId, limit: number) => {
      const genres = anime(basedOn)?.details.genres ?? [];
      return genres.length === 0
        ? animes(BEST_SCORES, basedOn, limit)
        : animes(SHARING_GENRES, JSON.stringify(genres.map(nulFree)), basedOn, limit);
    },

    genres: () =>
      db
        .all('SELECT DISTINCT genre FROM title_genres ORDER BY genre')
        .map((row) => withNul((row as [string])[0])),

    interactionsOf: (userId: UserId, first: number, after: AnimeId | null): UserInteractions => {
      const rows = db.all(INTERACTIONS_OF, nulFree(userId), after ?? 0, first + 1);
      const items = rows.slice(0, first).map((row) => interactionOf(row as InteractionRow));
      return { items, hasMore: rows.length > first };
    },
  };
};

export type Queries = ReturnType<typeof queriesOn>;
