import type { SchemaProblem } from './generated/commands.js';

/** The idempotency key of a failed command. A repeat with it is recorded at most once. */
interface Sent {
  idempotencyKey?: string;
}

/** The service, or a proxy in front of it, refused the request; the problem says why (RFC 9457). */
export class ProblemError extends Error implements Sent {
  /** Set for commands. */
  idempotencyKey?: string;
  /** Whether this or an earlier attempt may have recorded the command. */
  outcomeUnknown: boolean;

  constructor(
    readonly problem: SchemaProblem,
    /** From Retry-After, if the service sent it. */
    readonly retryAfterMs?: number,
  ) {
    super(problem.detail);
    this.name = 'ProblemError';
    const { status, type } = problem;
    this.outcomeUnknown =
      type === 'urn:problem-type:outcome-unknown' || [500, 502, 504].includes(status);
  }

  get status(): number {
    return this.problem.status;
  }

  get type(): string {
    return this.problem.type;
  }
}

/** The network failed or the time-out passed. A command may have been recorded. */
export class NoAnswerError extends Error implements Sent {
  /** Set for commands. */
  idempotencyKey?: string;
  readonly outcomeUnknown = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NoAnswerError';
  }
}

/** A GraphQL error with the service's code. */
export interface QueryProblem {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string };
}

/** The answer to a query has errors. */
export class QueryFailedError extends Error {
  constructor(
    readonly errors: readonly QueryProblem[],
    /** Partial data beside the errors. */
    readonly data: unknown,
  ) {
    super(errors[0]?.message ?? 'The query failed.');
    this.name = 'QueryFailedError';
  }

  /** The code of the first error, such as STALE_READ or BAD_USER_INPUT. */
  get code(): string | undefined {
    return this.errors[0]?.extensions?.code;
  }
}
