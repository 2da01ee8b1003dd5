import { statSync } from 'node:fs';
import { DatabaseSync as FromPackage } from '@photostructure/sqlite';

/**
 * SQLite's bindings cut a text at its first NUL. Texts used as keys are stored with U+0000 and
 * U+0001 replaced by pairs, which keeps them distinct and in order.
 */
export const nulFree = (text: string): string =>
  SPECIAL.test(text)
    ? text.replaceAll('\u0001', '\u0001\u0002').replaceAll('\0', '\u0001\u0001')
    : text;

export const withNul = (stored: string): string =>
  stored.includes('\u0001')
    ? stored.replace(PAIR, (pair) => (pair[1] === '\u0002' ? '\u0001' : '\0'))
    : stored;

const SPECIAL = new RegExp('[\\u0000\\u0001]');
const PAIR = new RegExp('\\u0001[\\u0001\\u0002]', 'g');

/** The part of Node's own `node:sqlite` that is used here; the package has the same API. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** Integers are returned as numbers; one beyond 2^53 throws instead of losing digits. */
interface Statement {
  run(...parameters: SqlValue[]): { readonly changes: number | bigint };
  get(...parameters: SqlValue[]): unknown;
  all(...parameters: SqlValue[]): unknown[];
  /** Row by row; leaving the loop early ends the query. */
  iterate(...parameters: SqlValue[]): Iterable<unknown>;
  /** Rows as arrays, which are much cheaper than objects. */
  setReturnArrays(enabled: boolean): void;
}

/**
 * Pass client data as Uint8Array: a text is silently cut at its first NUL. An empty one becomes
 * NULL on Node 22.
 */
export type SqlValue = string | number | bigint | null | Uint8Array;

interface SqliteModule {
  readonly DatabaseSync: new (
    path: string,
    options?: { readonly timeout?: number; readonly readOnly?: boolean },
  ) => Database;
  readonly StatementSync: { readonly prototype: object };
}

/** Suppresses the warning that `node:sqlite` is experimental. */
const withoutWarnings = <T>(load: () => T): T => {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
};

/** The built-in module, if the running Node has all that is needed here (22.16, 24 and newer). */
const builtIn = (): SqliteModule['DatabaseSync'] | undefined => {
  const module = withoutWarnings(
    () => process.getBuiltinModule('node:sqlite') as SqliteModule | undefined,
  );
  if (module === undefined) return undefined;
  return 'setReturnArrays' in module.StatementSync.prototype ? module.DatabaseSync : undefined;
};

const DatabaseSync = builtIn() ?? FromPackage;

/**
 * Opens a file, creating it if necessary. Waits up to the time-out for a lock held by another
 * connection.
 */
export const openDatabase = (
  path: string,
  {
    busyTimeoutMs = 5000,
    readOnly = false,
  }: { readonly busyTimeoutMs?: number; readonly readOnly?: boolean } = {},
): Database => new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly });

/** Opens a file and prepares it; closes it again if that throws. */
export const openPrepared = (
  path: string,
  prepare: (db: Database) => void,
  options: { readonly readOnly?: boolean } = {},
): Database => {
  const db = openDatabase(path, options);
  try {
    prepare(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
};

export const pragma = (db: Database, name: string): unknown =>
  Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0];

export const holdsTables = (db: Database): boolean =>
  db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;

/** Runs the work in a transaction and rolls it back if it throws. */
export const transaction = <T>(db: Database, work: () => T): T => {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(db);
    throw error;
  }
};

/** After some failures, such as a full disk, SQLite has already rolled back. */
export const rollBack = (db: Database): void => {
  try {
    db.exec('ROLLBACK');
  } catch {
    // No transaction is open; the original failure is the one to report.
  }
};

/** Primary result codes of SQLite. */
export const SQLITE = {
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const;

/** The package gives no code for a failure of `all`. */
const CODES_BY_MESSAGE: Readonly<Record<string, number>> = {
  'database is locked': SQLITE.BUSY,
  'attempt to write a readonly database': SQLITE.READONLY,
  'disk I/O error': SQLITE.IOERR,
  'database disk image is malformed': SQLITE.CORRUPT,
  'database or disk is full': SQLITE.FULL,
  'unable to open database file': SQLITE.CANTOPEN,
  'file is not a database': SQLITE.NOTADB,
};

/** The primary result code of a failure; 0 for any other error. */
export const sqliteCodeOf = (error: unknown): number => {
  if (!(error instanceof Error)) return 0;
  const { errcode } = error as { readonly errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : (CODES_BY_MESSAGE[error.message] ?? 0);
};

/** Whether the file itself is of no use. */
export const isDamage = (error: unknown): boolean => {
  const code = sqliteCodeOf(error);
  return code === SQLITE.CORRUPT || code === SQLITE.NOTADB;
};

/** A check of so much takes a tenth of a second. */
const CHECKED_BYTES = 64 * 1024 * 1024;

/** What is wrong with a file; undefined where nothing is, and for a file too large to be checked at once. */
export const damageIn = (db: Database, path: string): string | undefined => {
  if (statSync(path).size > CHECKED_BYTES) return undefined;
  const found = pragma(db, 'quick_check(1)');
  return found === 'ok' ? undefined : `database disk image is malformed: ${String(found)}`;
};

/**
 * Tells whether a database is still the file at its path. SQLite goes on writing to a file that was
 * removed, moved or replaced, and after a restart nothing of that is there. Created once the file is open.
 */
export const watchDatabaseFile = (path: string): (() => boolean) => {
  const opened = new Map<string, string>();

  const isInPlace = (name: string): boolean => {
    const now = identityOf(name);
    const before = opened.get(name);
    if (before !== undefined) return now === before;
    // SQLite makes the write-ahead log with the first access.
    if (now !== undefined) opened.set(name, now);
    return true;
  };

  const files = [path, `${path}-wal`];
  const isWhole = (): boolean => files.every(isInPlace);
  isWhole();
  return isWhole;
};

const identityOf = (path: string): string | undefined => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
};
