import { NoAnswerError, ProblemError, QueryFailedError } from './errors.js';

const RETRIED_STATUSES: readonly number[] = [408, 409, 429, 502, 503, 504];
/** These are 503, but only an operator can help: asking again is of no use. */
const FOR_AN_OPERATOR: readonly string[] = [
  'urn:problem-type:stream-unreadable',
  'urn:problem-type:stream-truncated',
  'urn:problem-type:event-store-access-denied',
];
const RETRIED_CODES: readonly (string | undefined)[] = [
  'STALE_READ',
  'NOT_READY',
  'SERVICE_UNAVAILABLE',
];

/** Whether the same request may succeed later. Commands are repeated with the same key. */
export const isRetried = (error: unknown): boolean => {
  if (error instanceof NoAnswerError) return true;
  if (error instanceof QueryFailedError) return RETRIED_CODES.includes(error.code);
  return (
    error instanceof ProblemError &&
    RETRIED_STATUSES.includes(error.status) &&
    !FOR_AN_OPERATOR.includes(error.type)
  );
};

/** These are decided with the key in mind: an earlier attempt that was recorded would be repeated. */
const DECIDED: readonly number[] = [404, 410, 412, 422];

/** Whether a command may have been recorded, after this failure and what was known before. */
export const isUnknown = (error: unknown, before: boolean): boolean => {
  if (error instanceof NoAnswerError) return true;
  if (!(error instanceof ProblemError)) return before;
  return error.outcomeUnknown || (before && !DECIDED.includes(error.status));
};

const FIRST_REPEAT_MS = 200;
const LONGEST_REPEAT_MS = 30_000;

/**
 * How long to wait after so many failures: a random part of a time that doubles, after what
 * Retry-After asks for, so that clients which failed together do not come back together.
 */
export const pauseMs = (
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number =>
  (retryAfterMs ?? 0) + random() * Math.min(LONGEST_REPEAT_MS, FIRST_REPEAT_MS * 2 ** failures);

export const retryAfterOf = (error: unknown): number | undefined =>
  error instanceof ProblemError ? error.retryAfterMs : undefined;

/** In milliseconds; the header has seconds, or a date. */
export const parseRetryAfter = (header: string | null, now: number): number | undefined => {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
};
