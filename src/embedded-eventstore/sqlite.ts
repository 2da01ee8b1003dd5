import { DatabaseSync as FromPackage } from '@photostructure/sqlite';

/** The part of Node's own `node:sqlite` that we use; the package has the same API. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** Integers come back as numbers; one beyond 2^53 throws instead of losing digits. */
interface Statement {
  run(...parameters: SqlValue[]): { readonly changes: number | bigint };
  get(...parameters: SqlValue[]): unknown;
  all(...parameters: SqlValue[]): unknown[];
  /** Rows as arrays, which are much cheaper to make than objects. */
  setReturnArrays(enabled: boolean): void;
}

/**
 * Client data goes in as Uint8Array: a text ends at its first NUL character, silently. An empty one
 * becomes NULL on Node 22.
 */
export type SqlValue = string | number | bigint | null | Uint8Array;

interface SqliteModule {
  readonly DatabaseSync: new (
    path: string,
    options?: { readonly timeout?: number; readonly readOnly?: boolean },
  ) => Database;
  readonly StatementSync: { readonly prototype: object };
}

/** Node has told us before that its module is experimental; its users need not read it again. */
const withoutWarnings = <T>(load: () => T): T => {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
};

/** The built-in module where the running Node has all that we need of it (22.16, 24 and newer). */
const builtIn = (): SqliteModule['DatabaseSync'] | undefined => {
  const module = withoutWarnings(
    () => process.getBuiltinModule('node:sqlite') as SqliteModule | undefined,
  );
  if (module === undefined) return undefined;
  return 'setReturnArrays' in module.StatementSync.prototype ? module.DatabaseSync : undefined;
};

const DatabaseSync = builtIn() ?? FromPackage;

/** Opens a file, making it where it does not exist. Waits up to the time-out for another's lock. */
export const openDatabase = (
  path: string,
  {
    busyTimeoutMs = 5000,
    readOnly = false,
  }: { readonly busyTimeoutMs?: number; readonly readOnly?: boolean } = {},
): Database => new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly });

export const pragma = (db: Database, name: string): unknown =>
  Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0];

export const holdsTables = (db: Database): boolean =>
  db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;

/** Runs the work in a transaction, which is rolled back where it throws. */
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

/** After some failures, such as a full disk, SQLite has rolled back by itself. */
export const rollBack = (db: Database): void => {
  try {
    db.exec('ROLLBACK');
  } catch {
    // No transaction is open any more; the failure before is the one that matters.
  }
};
