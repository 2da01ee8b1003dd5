/**
 * What can go wrong behind a port. The codes differ by what the caller does: a conflict is decided
 * again, an unavailable server is waited for, an unknown outcome is retried with the same ids. A bug
 * has no code and is never wrapped.
 */
export type PortErrorCode =
  | 'CONFLICT'
  /** What the call names does not exist. */
  | 'NOT_FOUND'
  /** The call is against a rule of the store, such as pruning the active version. */
  | 'REFUSED'
  | 'STREAM_DELETED'
  | 'TOO_LARGE'
  | 'UNAVAILABLE'
  | 'OUTCOME_UNKNOWN'
  | 'ACCESS_DENIED'
  | 'NOT_SUPPORTED'
  | 'CORRUPT';

export class PortError extends Error {
  constructor(
    readonly code: PortErrorCode,
    message: string,
    /** Whether the same call may succeed later although nothing was changed by hand. */
    readonly retriable: boolean,
    options: { cause?: unknown; context?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.name = new.target.name;
    this.context = options.context ?? {};
  }

  /** Data for a log line, never a secret. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** What is wrong in one sentence, whatever was thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Whether the same call may succeed later; false for a bug. */
export const isRetriable = (error: unknown): boolean =>
  error instanceof PortError && error.retriable;

/** The stream is not at the expected revision. Nothing was written. */
export class WrongExpectedRevisionError extends PortError {
  constructor(
    readonly stream: string,
    readonly expected: bigint | 'no_stream',
    /** Where the stream is; 'no_stream' where it does not exist. */
    readonly actual: bigint | 'no_stream',
    cause?: unknown,
  ) {
    super('CONFLICT', `Stream ${stream} is at ${actual}, not at ${expected}.`, false, {
      cause,
      context: { stream, expected: String(expected), actual: String(actual) },
    });
  }
}

/** The stream was tombstoned: it can never be read or written again. */
export class StreamDeletedError extends PortError {
  constructor(
    readonly stream: string,
    cause?: unknown,
  ) {
    super('STREAM_DELETED', `Stream ${stream} was deleted for ever.`, false, {
      cause,
      context: { stream },
    });
  }
}

/** The append or record is larger than the server takes. Nothing was written. */
export class TooLargeError extends PortError {
  constructor(
    message: string,
    options: { cause?: unknown; context?: Record<string, unknown> } = {},
  ) {
    super('TOO_LARGE', message, false, options);
  }
}

/** The server cannot be reached or refuses work for now. Nothing was written. */
export class UnavailableError extends PortError {
  constructor(
    message: string,
    options: { cause?: unknown; context?: Record<string, unknown> } = {},
  ) {
    super('UNAVAILABLE', message, true, options);
  }
}

/**
 * Another release computed the documents or stores them differently. Use that release, or build a
 * version with this one.
 */
export class OtherFingerprintError extends PortError {
  constructor(version: string) {
    super(
      'NOT_SUPPORTED',
      `The version ${version} of the read models has another fingerprint than this release.`,
      false,
      { context: { version } },
    );
  }
}

/**
 * The answer was lost or late: the write may or may not have happened. Retry with the same event
 * ids and the ORIGINAL expected revision until the outcome is known.
 */
export class OutcomeUnknownError extends PortError {
  constructor(
    message: string,
    options: { cause?: unknown; context?: Record<string, unknown> } = {},
  ) {
    super('OUTCOME_UNKNOWN', message, true, options);
  }
}
