import { PortError } from '../ports/errors.js';
import { UnreadableStreamError } from './anime-memory.js';
import type { CommandResult } from './command-result.js';

/** The answer to commands that a failure of the store stopped before anything was written. */
export const resultOfFailure = (error: PortError): CommandResult => {
  switch (error.code) {
    case 'STREAM_DELETED':
      return { kind: 'gone' };
    case 'TOO_LARGE':
      return { kind: 'too-large' };
    case 'CONFLICT':
    case 'UNAVAILABLE':
    case 'OUTCOME_UNKNOWN':
    case 'ACCESS_DENIED':
    case 'NOT_SUPPORTED':
    case 'CORRUPT':
      return { kind: 'unavailable' };
  }
};

/** Undefined for a bug. */
export const resultOf = (error: unknown): CommandResult | undefined => {
  if (error instanceof UnreadableStreamError) return { kind: 'unreadable' };
  return error instanceof PortError ? resultOfFailure(error) : undefined;
};
