import type { AnimeId } from '../../../domain/ids.js';
import { nulFree } from '../../../embedded-eventstore/sqlite.js';
import type { ReadConnection } from './file.js';

/** With more changed anime than this, recomputing all totals is cheaper than updating each one. */
const MAX_CHANGED = 2000;
const MAX_WINDOWS = 4;

const TABLE = `
  CREATE TEMP TABLE recent (
    since TEXT NOT NULL,
    anime_id INTEGER NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (since, anime_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX temp.recent_by_total ON recent (since, total DESC, anime_id);`;

const FORGET = 'DELETE FROM recent WHERE since = ?';

const FILL = `
  INSERT INTO recent SELECT ?1, anime_id, sum(total) FROM days WHERE day >= ?1
  GROUP BY anime_id HAVING sum(total) > 0`;

const REFRESH = `
  INSERT OR REPLACE INTO recent
  SELECT ?1, anime_id, sum(total) FROM days WHERE anime_id = ?2 AND day >= ?1
  GROUP BY anime_id`;

/**
 * The totals per anime since a day. Summing many days of many anime is slow, so they are cached in
 * a temporary table and updated for the anime saved since.
 */
export const recentTotals = (db: ReadConnection) => {
  db.exec(TABLE);
  const changed = new Map<string, Set<AnimeId>>();

  const fill = (since: string): void => {
    db.run(FORGET, since);
    db.run(FILL, since);
    changed.set(since, new Set());
  };

  const evictOldest = (): void => {
    const [oldest] = changed.keys();
    if (oldest === undefined || changed.size <= MAX_WINDOWS) return;
    db.run(FORGET, oldest);
    changed.delete(oldest);
  };

  return {
    /** Brings the rows of `recent` for this day up to date and returns their `since`. */
    upToDate: (sinceDay: string): string => {
      const since = nulFree(sinceDay);
      const waiting = changed.get(since);
      if (waiting === undefined || waiting.size > MAX_CHANGED) fill(since);
      else for (const id of waiting) db.run(REFRESH, since, id);
      waiting?.clear();
      evictOldest();
      return since;
    },

    changed: (ids: readonly AnimeId[]): void => {
      for (const waiting of changed.values()) for (const id of ids) waiting.add(id);
    },
  };
};
