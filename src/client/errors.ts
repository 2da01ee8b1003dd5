import type { SchemaProblem } from './generated/commands.js';

/** What a failed command was sent with: sent again with it, it is recorded once at most. */
interface Sent {
  idempotencyKey?: string;
}

/** The service, or a proxy in front of it, refused the request; the problem says why (RFC 9457). */
export class ProblemError extends Error implements Sent {
  /** Of a command. */
  idempotencyKey?: string;
  /** Whether the command may have been recorded nevertheless, by this attempt or an earlier one. */
  outcomeUnknown: boolean;

  constructor(
    readonly problem: SchemaProblem,
    /** When the service expects the request again, if it said so. */
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

/** No answer came: the network failed, or the time was over. A command may have been recorded. */
export class NoAnswerError extends Error implements Sent {
  /** Of a command. */
  idempotencyKey?: string;
  readonly outcomeUnknown = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NoAnswerError';
  }
}

/** An error of a GraphQL answer, with the code that the service gave it. */
export interface QueryProblem {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string };
}

/** A query was answered with errors. */
export class QueryFailedError extends Error {
  constructor(
    readonly errors: readonly QueryProblem[],
    /** What was answered beside the errors. */
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
