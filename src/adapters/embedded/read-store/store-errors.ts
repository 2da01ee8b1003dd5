import { PortError, UnavailableError } from '../../../ports/errors.js';

/** The part of an SQLite error that crosses from the writer's thread. */
export interface SqliteFailure {
  readonly message: string;
  /** SQLite's result code; undefined where something else went wrong. */
  readonly errcode?: number;
}

const CORRUPT = new Set([11, 26]);
/** Busy, locked, out of memory, read-only, I/O, full, cannot open: not wrong, only not now. */
const NOT_NOW = new Set([5, 6, 7, 8, 10, 13, 14]);

export const failureOf = (error: unknown): SqliteFailure => {
  const message = error instanceof Error ? error.message : String(error);
  const errcode = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof errcode === 'number' ? { message, errcode } : { message };
};

/** What a failure of SQLite means to whoever uses a port; undefined where it is a bug of ours. */
export const meaningOf = (
  failure: SqliteFailure,
  remedy: string,
  cause?: unknown,
): PortError | undefined => {
  const primary = (failure.errcode ?? 0) & 0xff;
  const options = { cause, context: { reason: failure.message } };
  if (CORRUPT.has(primary)) {
    return new PortError('CORRUPT', `${remedy} (${failure.message})`, false, options);
  }
  if (NOT_NOW.has(primary)) {
    return new UnavailableError(`The file cannot be used: ${failure.message}.`, options);
  }
  return undefined;
};

/** Runs what talks to SQLite; a bug comes out as it is. */
export const translated = <T>(remedy: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw meaningOf(failureOf(error), remedy, error) ?? error;
  }
};

export const CLOSED = 'The read store is closed.';

export const noSuchVersion = (name: string): UnavailableError =>
  new UnavailableError('There is no such version of the read models.', {
    context: { version: name },
  });
