import { LRUCache } from 'lru-cache';
import type { Database, SqlValue } from '../sqlite.js';
import { openForReading, type FileKind } from './file.js';
import { translated } from './store-errors.js';

/** Reads with statements that are prepared once. Rows are arrays. */
export interface Connection {
  all(sql: string, ...parameters: SqlValue[]): unknown[];
  get(sql: string, ...parameters: SqlValue[]): unknown;
  /** For temporary tables: everything else is read-only. */
  run(sql: string, ...parameters: SqlValue[]): void;
  exec(sql: string): void;
  close(): void;
}

export const connection = (path: string, kind: FileKind): Connection => {
  const db: Database = openForReading(path, kind);
  const statements = new LRUCache<string, ReturnType<Database['prepare']>>({ max: 200 });
  const remedy = kind.remedy(path);

  const prepared = (sql: string) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      statement.setReturnArrays(true);
      statements.set(sql, statement);
    }
    return statement;
  };

  return {
    all: (sql, ...parameters) => translated(remedy, () => prepared(sql).all(...parameters)),
    get: (sql, ...parameters) => translated(remedy, () => prepared(sql).get(...parameters)),
    run: (sql, ...parameters) => translated(remedy, () => void prepared(sql).run(...parameters)),
    exec: (sql) => translated(remedy, () => db.exec(sql)),
    close: () => db.close(),
  };
};
