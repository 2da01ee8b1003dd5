import { PortError } from '../../ports/errors.js';
import type { CommandResult } from '../../ports/command-result.js';
import { RefusedStreamError } from './refused-streams.js';

/** The answer to commands that a failure of the store stopped before anything was written. */
export const resultOfFailure = (error: PortError): CommandResult => {
  switch (error.code) {
    case 'STREAM_DELETED':
      return { kind: 'gone' };
    case 'TOO_LARGE':
      return { kind: 'too-large' };
    case 'ACCESS_DENIED':
      return { kind: 'access-denied' };
    case 'NOT_SUPPORTED':
    case 'CORRUPT':
      return { kind: 'refused-by-store' };
    case 'CONFLICT':
    case 'UNAVAILABLE':
    case 'OUTCOME_UNKNOWN':
      return { kind: 'unavailable' };
  }
};

/** Undefined for a bug. */
export const resultOf = (error: unknown): CommandResult | undefined => {
  if (error instanceof RefusedStreamError) {
    return { kind: error.problem.kind, problem: error.problem };
  }
  return error instanceof PortError ? resultOfFailure(error) : undefined;
};
