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

export const noSuchVersion = (name: string): UnavailableError =>
  new UnavailableError('There is no such version of the read models.', {
    context: { version: name },
  });
