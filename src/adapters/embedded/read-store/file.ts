import { LRUCache } from 'lru-cache';
import {
  type Database,
  damageIn,
  holdsTables,
  isDamage,
  openPrepared,
  pragma,
  SQLITE,
  sqliteCodeOf,
  type SqlValue,
} from '../../../embedded-eventstore/sqlite.js';
import { PortError, UnavailableError } from '../../../ports/errors.js';

/** A failure as sent from the writer thread. */
export interface SqliteFailure {
  readonly message: string;
  /** corrupt: the file is unusable. not-now: a retry may succeed. bug: neither. */
  readonly kind: 'corrupt' | 'not-now' | 'bug';
}

/** A retry may succeed. */
const PASSING_CODES: ReadonlySet<number> = new Set([
  SQLITE.BUSY,
  SQLITE.LOCKED,
  SQLITE.NOMEM,
  SQLITE.READONLY,
  SQLITE.IOERR,
  SQLITE.FULL,
  SQLITE.CANTOPEN,
]);

export const sqliteFailureOf = (error: unknown): SqliteFailure => {
  if (!(error instanceof Error)) return { kind: 'bug', message: String(error) };
  const { message } = error;
  if (error instanceof PortError) {
    const { reason } = error.context;
    const kind = error.code === 'CORRUPT' ? 'corrupt' : 'not-now';
    return { kind, message: typeof reason === 'string' ? reason : message };
  }
  if (isDamage(error)) return { kind: 'corrupt', message };
  return { kind: PASSING_CODES.has(sqliteCodeOf(error)) ? 'not-now' : 'bug', message };
};

/** The port error for a failure; a bug is returned unchanged. */
export const portErrorOf = (
  { kind, message }: SqliteFailure,
  remedy: string,
  cause: unknown = new Error(message),
): unknown => {
  const options = { cause, context: { reason: message } };
  switch (kind) {
    case 'corrupt':
      return new PortError('CORRUPT', remedy, false, options);
    case 'not-now':
      return new UnavailableError('The read models are temporarily unavailable.', options);
    case 'bug':
      return cause;
  }
};

/** Runs SQLite work and translates its errors to port errors. */
export const withStorePortErrors = <T>(remedy: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (error instanceof PortError) throw error;
    throw portErrorOf(sqliteFailureOf(error), remedy, error);
  }
};

export const READ_STORE_CLOSED = 'The read store is closed.';

export interface FileKind {
  /** Identifies a file of this service and its kind. */
  readonly applicationId: number;
  /** A file with another schema version is not read. */
  readonly schemaVersion: number;
  readonly schema: string;
  /** Pragmas of a writing connection. */
  readonly settings: string;
  /** What the operator can do about an unreadable file. */
  remedy(path: string): string;
}

/** A writing connection; creates the file if necessary. */
export const openForWriting = (path: string, kind: FileKind): Database =>
  openChecked(path, kind, (db) => {
    if (pragma(db, 'user_version') === 0 && !holdsTables(db)) create(db, kind);
    assertUndamaged(db, path, kind);
    db.exec(`PRAGMA journal_mode = WAL; ${kind.settings}`);
  });

/**
 * Empties the write-ahead log first: open prepared statements keep SQLite from doing so on close.
 */
export const closeWriting = (db: Database): void => {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // The write-ahead log stays beside the file and is read when it is opened again.
  }
  db.close();
};

/** A read-only connection to a file that a writer holds open; its temporary tables are private. */
const openForReading = (path: string, kind: FileKind): Database =>
  openChecked(
    path,
    kind,
    (db) => db.exec('PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000;'),
    {
      readOnly: true,
    },
  );

const openChecked = (
  path: string,
  kind: FileKind,
  prepare: (db: Database) => void,
  options: { readonly readOnly?: boolean } = {},
): Database =>
  withStorePortErrors(kind.remedy(path), () =>
    openPrepared(
      path,
      (db) => {
        prepare(db);
        assertOurs(db, path, kind);
      },
      options,
    ),
  );

const create = (db: Database, { applicationId, schema, schemaVersion }: FileKind): void =>
  db.exec(`
    PRAGMA journal_mode = WAL;
    BEGIN IMMEDIATE;
    ${schema}
    PRAGMA application_id = ${applicationId};
    PRAGMA user_version = ${schemaVersion};
    COMMIT;
  `);

const assertUndamaged = (db: Database, path: string, kind: FileKind): void => {
  const reason = damageIn(db, path);
  if (reason === undefined) return;
  throw new PortError('CORRUPT', kind.remedy(path), false, { context: { path, reason } });
};

const assertOurs = (db: Database, path: string, kind: FileKind): void => {
  const owner = pragma(db, 'application_id');
  const version = pragma(db, 'user_version');
  if (owner === kind.applicationId && version === kind.schemaVersion) return;
  throw new PortError('CORRUPT', kind.remedy(path), false, { context: { path, owner, version } });
};

/** Reads with cached prepared statements. Rows are arrays. */
export interface ReadConnection {
  all(sql: string, ...parameters: SqlValue[]): unknown[];
  get(sql: string, ...parameters: SqlValue[]): unknown;
  /** For temporary tables only: everything else is read-only. */
  run(sql: string, ...parameters: SqlValue[]): void;
  exec(sql: string): void;
  /** The first damaged page that was found; undefined without one. */
  damage(): PortError | undefined;
  close(): void;
}

export const openReadConnection = (path: string, kind: FileKind): ReadConnection => {
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

  let damage: PortError | undefined;
  const reading = <T>(work: () => T): T => {
    try {
      return withStorePortErrors(remedy, work);
    } catch (error) {
      if (error instanceof PortError && error.code === 'CORRUPT') damage ??= error;
      throw error;
    }
  };

  return {
    all: (sql, ...parameters) => reading(() => prepared(sql).all(...parameters)),
    get: (sql, ...parameters) => reading(() => prepared(sql).get(...parameters)),
    run: (sql, ...parameters) => reading(() => void prepared(sql).run(...parameters)),
    exec: (sql) => reading(() => db.exec(sql)),
    damage: () => damage,
    close: () => db.close(),
  };
};
