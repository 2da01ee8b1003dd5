import { LRUCache } from 'lru-cache';
import { type Database, openDatabase, type SqlValue } from '../../../embedded-eventstore/sqlite.js';
import { PortError, UnavailableError } from '../../../ports/errors.js';

/** A failure as it crosses from the writer's thread. */
export interface Failure {
  readonly message: string;
  /** Corrupt: the file is of no use. Not now: the same may succeed later. Bug: neither. */
  readonly kind: 'corrupt' | 'not-now' | 'bug';
}

const CORRUPT = new Set([11, 26]);
/** Busy, locked, out of memory, read-only, I/O, full, cannot open: not wrong, only not now. */
const NOT_NOW = new Set([5, 6, 7, 8, 10, 13, 14]);

export const failureOf = (error: unknown): Failure => {
  if (!(error instanceof Error)) return { kind: 'bug', message: String(error) };
  const { message } = error;
  if (error instanceof PortError) {
    const { reason } = error.context;
    const kind = error.code === 'CORRUPT' ? 'corrupt' : 'not-now';
    return { kind, message: typeof reason === 'string' ? reason : message };
  }
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
  if (CORRUPT.has(code)) return { kind: 'corrupt', message };
  return { kind: NOT_NOW.has(code) ? 'not-now' : 'bug', message };
};

/** What a failure means to whoever uses a port; a bug stays what it was. */
export const errorOf = (
  { kind, message }: Failure,
  remedy: string,
  cause: unknown = new Error(message),
): unknown => {
  const options = { cause, context: { reason: message } };
  switch (kind) {
    case 'corrupt':
      return new PortError('CORRUPT', remedy, false, options);
    case 'not-now':
      return new UnavailableError('The read models cannot be used for now.', options);
    case 'bug':
      return cause;
  }
};

/** Runs what talks to SQLite. */
export const translated = <T>(remedy: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (error instanceof PortError) throw error;
    throw errorOf(failureOf(error), remedy, error);
  }
};

export const CLOSED = 'The read store is closed.';

export interface FileKind {
  /** Marks a file as ours and of this kind. */
  readonly applicationId: number;
  /** Of the schema; a file with another one is not read. */
  readonly schemaVersion: number;
  readonly schema: string;
  /** Settings of a connection that writes. */
  readonly settings: string;
  /** What a person can do about a file that cannot be read. */
  remedy(path: string): string;
}

const pragma = (db: Database, name: string): unknown =>
  Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0];

/** A connection that writes; the file is made where it does not exist. */
export const openForWriting = (path: string, kind: FileKind): Database =>
  opened(path, kind, (db) => {
    if (pragma(db, 'user_version') === 0 && isEmpty(db)) create(db, kind);
    db.exec(`PRAGMA journal_mode = WAL; ${kind.settings}`);
  });

/** Leaves nothing in the write-ahead log: statements that are still there keep SQLite from doing so. */
export const closeWriting = (db: Database): void => {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // The log stays beside the file and is read when it is opened again.
  }
  db.close();
};

/** A connection that only reads a file which a writer holds open; its temporary tables are its own. */
const openForReading = (path: string, kind: FileKind): Database =>
  opened(path, kind, (db) => db.exec('PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;'), {
    readOnly: true,
  });

const opened = (
  path: string,
  kind: FileKind,
  prepare: (db: Database) => void,
  options: { readonly readOnly?: boolean } = {},
): Database =>
  translated(kind.remedy(path), () => {
    const db = openDatabase(path, options);
    try {
      prepare(db);
      check(db, path, kind);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });

const create = (db: Database, { applicationId, schema, schemaVersion }: FileKind): void =>
  db.exec(`
    PRAGMA journal_mode = WAL;
    BEGIN IMMEDIATE;
    ${schema}
    PRAGMA application_id = ${applicationId};
    PRAGMA user_version = ${schemaVersion};
    COMMIT;
  `);

const isEmpty = (db: Database): boolean =>
  db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;

const check = (db: Database, path: string, kind: FileKind): void => {
  const owner = pragma(db, 'application_id');
  const version = pragma(db, 'user_version');
  if (owner === kind.applicationId && version === kind.schemaVersion) return;
  throw new PortError('CORRUPT', kind.remedy(path), false, { context: { path, owner, version } });
};

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
