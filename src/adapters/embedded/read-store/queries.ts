import { LRUCache } from 'lru-cache';
import type { AnimeId, UserId } from '../../../domain/ids.js';
import { nulFree, type SqlValue, withNul } from '../../../embedded-eventstore/sqlite.js';
import type {
  AnimeDocument,
  AnimeSearch,
  SortBy,
  UserInteractions,
} from '../../../ports/read-store.js';
import {
  animeFromJson,
  genreInSet,
  INTERACTION_COLUMNS,
  interactionFromRow,
  type InteractionRow,
  textKey,
} from './rows.js';
import type { ReadConnection } from './file.js';
import { recentTotals } from './recent-totals.js';

interface SearchSql {
  /** The ids of one page, each with the number of all matches, which is null without a filter. */
  readonly page: string;
  readonly count: string;
  readonly parameters: readonly SqlValue[];
}

interface Condition {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** Each order is total and matches an index. */
const SQL_ORDERS: Readonly<Record<SortBy, string>> = {
  popularity: 't.popularity IS NULL, t.popularity, t.anime_id',
  score: 't.score DESC, t.anime_id',
  title: 't.title, t.anime_id',
  views: 'a.views DESC, a.anime_id',
};

/** One statement per set of filters: values are always parameters. */
const searchSql = (query: AnimeSearch): SearchSql => {
  const conditions = conditionsOf(query);
  const filtered = conditions.length > 0;
  const where = conditions.map(({ sql }) => ` AND ${sql}`).join('');
  return {
    page: `SELECT t.anime_id, ${filtered ? 'count(*) OVER ()' : 'NULL'}
      FROM ${tables(query.sortBy, filtered)}
      WHERE 1${where} ORDER BY ${SQL_ORDERS[query.sortBy]} LIMIT ? OFFSET ?`,
    count: `SELECT count(*) FROM titles AS t WHERE 1${where}`,
    parameters: conditions.flatMap(({ parameters }) => parameters),
  };
};

/**
 * Without a filter, a page is the start of an index. With one, walking an index would look up each
 * title separately, so a scan of the titles filters, counts and sorts.
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

/**
 * Inline comparison is three times as fast for a few genres; a long list must not produce long SQL.
 */
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

const TOP_BY_VIEWS = `
  SELECT document FROM animes WHERE facets IS NOT NULL AND views > 0
  ORDER BY views DESC, anime_id LIMIT ?`;

const TOP_BY_RATING = `
  SELECT document FROM animes
  WHERE facets IS NOT NULL AND rating_count > 0 AND rating_count >= ?
  ORDER BY average DESC, rating_count DESC, anime_id LIMIT ?`;

const TRENDING = `
  SELECT a.document FROM recent AS r CROSS JOIN animes AS a USING (anime_id)
  WHERE r.since = ? AND r.total > 0 AND a.facets IS NOT NULL
  ORDER BY r.total DESC, a.views DESC, a.anime_id LIMIT ?`;

const SHARING_GENRES = `
  SELECT t.anime_id
  FROM (SELECT anime_id, count(*) AS shared FROM title_genres
        WHERE key IN (SELECT value FROM json_each(?)) AND anime_id <> ? GROUP BY anime_id) AS other
  CROSS JOIN titles AS t USING (anime_id)
  ORDER BY other.shared DESC, t.score DESC, t.anime_id LIMIT ?`;

const BEST_SCORES = `
  SELECT anime_id FROM titles WHERE anime_id <> ? ORDER BY score DESC, anime_id LIMIT ?`;

const LISTED_BY_ID = `
  SELECT a.document FROM json_each(?) AS k CROSS JOIN animes AS a ON a.anime_id = k.value
  WHERE a.facets IS NOT NULL ORDER BY k.key`;

/** Skips from one genre to the next instead of reading all titles of each. */
const GENRES = `
  WITH RECURSIVE known (key) AS (
    SELECT min(key) FROM title_genres
    UNION ALL
    SELECT (SELECT min(key) FROM title_genres WHERE key > known.key) FROM known
    WHERE known.key IS NOT NULL
  )
  SELECT (SELECT min(genre) FROM title_genres WHERE key = known.key) FROM known
  WHERE key IS NOT NULL`;

const INTERACTIONS_OF = `
  SELECT ${INTERACTION_COLUMNS} FROM interactions
  WHERE user_id = ? AND anime_id > ? AND revision >= 0 ORDER BY anime_id LIMIT ?`;

type PageRow = [id: AnimeId, total: number | null];

/** What `ReadQueries` of the port promises, run synchronously. */
export interface Queries {
  anime(id: AnimeId): AnimeDocument | null;
  topByViews(limit: number): readonly AnimeDocument[];
  topByRating(limit: number, minRatings: number): readonly AnimeDocument[];
  search(query: AnimeSearch): { readonly items: readonly AnimeDocument[]; readonly total: number };
  trending(sinceDay: string, limit: number): readonly AnimeDocument[];
  recommended(basedOn: AnimeId, limit: number): readonly AnimeDocument[];
  genres(): readonly string[];
  interactionsOf(userId: UserId, first: number, after: AnimeId | null): UserInteractions;
  /** Documents were saved, including the days of these anime. */
  noteSaved(days: readonly AnimeId[]): void;
}

/** The queries of the query API on the given connection. */
export const queriesOn = (db: ReadConnection): Queries => {
  let saves = 0;
  const recent = recentTotals(db);
  const untilSaved = remembered(() => saves);
  const untilCatalogueChanges = remembered(
    () => (db.get('SELECT epoch FROM catalogue') as [number])[0],
  );

  const animes = (sql: string, ...parameters: SqlValue[]): AnimeDocument[] =>
    db.all(sql, ...parameters).map((row) => animeFromJson((row as [string])[0]));

  const ids = (sql: string, ...parameters: SqlValue[]): AnimeId[] =>
    db.all(sql, ...parameters).map((row) => (row as [AnimeId])[0]);

  const anime = (id: AnimeId): AnimeDocument | null =>
    animes('SELECT document FROM animes WHERE anime_id = ?', id)[0] ?? null;

  const listed = (of: readonly AnimeId[]): AnimeDocument[] =>
    animes(LISTED_BY_ID, JSON.stringify(of));

  const page = (query: AnimeSearch) => {
    const { page, count, parameters } = searchSql(query);
    const rows = db.all(page, ...parameters, query.limit, query.offset) as PageRow[];
    const total = rows[0]?.[1] ?? (db.get(count, ...parameters) as [number])[0];
    return { ids: rows.map(([id]) => id), total };
  };

  return {
    anime,
    topByViews: (limit) => untilSaved(`views ${limit}`, () => animes(TOP_BY_VIEWS, limit)),
    topByRating: (limit, minRatings) =>
      untilSaved(`rating ${limit} ${minRatings}`, () => animes(TOP_BY_RATING, minRatings, limit)),
    search: (query) => {
      // Views change all the time; the other orders only with the catalogue.
      const remember = query.sortBy === 'views' ? untilSaved : untilCatalogueChanges;
      const question = JSON.stringify(query);
      return untilSaved(`found ${question}`, () => {
        const found = remember(`search ${question}`, () => page(query));
        return { items: listed(found.ids), total: found.total };
      });
    },

    trending: (sinceDay, limit) =>
      untilSaved(`trending ${limit} ${sinceDay}`, () =>
        animes(TRENDING, recent.upToDate(sinceDay), limit),
      ),

    recommended: (basedOn, limit) => {
      const keys = new Set(anime(basedOn)?.details.genres.map(textKey));
      const genres = JSON.stringify([...keys]);
      const found = untilCatalogueChanges(`recommended ${basedOn} ${limit} ${genres}`, () =>
        genres === '[]'
          ? ids(BEST_SCORES, basedOn, limit)
          : ids(SHARING_GENRES, genres, basedOn, limit),
      );
      return listed(found);
    },

    genres: () =>
      untilCatalogueChanges('genres', () =>
        db.all(GENRES).map((row) => withNul((row as [string])[0])),
      ),

    interactionsOf: (userId, first, after) => {
      const rows = db.all(INTERACTIONS_OF, nulFree(userId), after ?? 0, first + 1);
      const items = rows.slice(0, first).map((row) => interactionFromRow(row as InteractionRow));
      return { items, hasMore: rows.length > first };
    },

    noteSaved: (days) => {
      saves += 1;
      recent.changed(days);
    },
  };
};

/** Answers that are kept, and documents in all of them. */
const MAX_ANSWERS = 500;
const MAX_DOCUMENTS = 5_000;

/** Caches results while the epoch stays the same. Bounded. */
const remembered = (epoch: () => number) => {
  const answers = new LRUCache<string, object>({
    max: MAX_ANSWERS,
    maxSize: MAX_DOCUMENTS,
    sizeCalculation: documentsIn,
  });
  let current = -1;
  return <T extends object>(question: string, answer: () => T): T => {
    const now = epoch();
    if (now !== current) answers.clear();
    current = now;
    const known = answers.get(question) as T | undefined;
    if (known !== undefined) return known;
    const found = answer();
    answers.set(question, found);
    return found;
  };
};

const documentsIn = (answer: object): number => {
  const items: unknown = 'items' in answer ? answer.items : answer;
  return Array.isArray(items) ? items.length + 1 : 1;
};
