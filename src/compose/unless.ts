import { UnavailableError } from '../ports/errors.js';

/** A health check: passes, or fails with the problem. */
export const unless = (fine: boolean, problem: string): Promise<void> =>
  fine ? Promise.resolve() : Promise.reject(new UnavailableError(problem));
