import {
  OutcomeUnknownError,
  PortError,
  StreamDeletedError,
  TooLargeError,
  UnavailableError,
} from '../../ports/errors.js';
import { status } from '@grpc/grpc-js';

/** The name of the log of all streams in errors. */
export const ALL_STREAMS = '$all';

/** The gRPC status of a failed call. */
interface CallFailure {
  readonly code: number;
  readonly details: string;
  /** The server's own name for the error, from the trailers. */
  readonly exception: string;
}

/** A failed read wrote nothing, so it may be retried unless it was refused permanently. */
export const readError = (error: unknown, stream: string): unknown => {
  if (error instanceof PortError) return error;
  const failure = callFailureOf(error);
  if (failure === undefined) return error;
  return (
    finalErrorOf(failure, stream, error) ??
    new UnavailableError('The event store did not respond.', {
      cause: error,
      context: { stream, code: failure.code, details: failure.details },
    })
  );
};

/** A write is unavailable only if it certainly wrote nothing; otherwise its outcome is unknown. */
export const writeError = (error: unknown, stream: string): unknown => {
  if (error instanceof PortError) return error;
  const failure = callFailureOf(error);
  if (failure === undefined) return error;
  const context = { stream, code: failure.code, details: failure.details };
  return (
    finalErrorOf(failure, stream, error) ??
    (neverHandled(failure)
      ? new UnavailableError('The event store cannot be reached.', { cause: error, context })
      : new OutcomeUnknownError('The response of the event store was lost.', {
          cause: error,
          context,
        }))
  );
};

export const isUnimplemented = (error: unknown): boolean =>
  callFailureOf(error)?.code === UNIMPLEMENTED;

/** A node refused a read because it is not the leader. The client connects to the leader for its next call. */
export const isNotLeader = (error: unknown): boolean =>
  callFailureOf(error)?.exception === 'not-leader';

export const accessDenied = (stream: string, cause?: unknown): PortError =>
  new PortError('ACCESS_DENIED', denial(stream, callFailureOf(cause)?.code), false, {
    cause,
    context: { stream },
  });

const denial = (stream: string, code: number | undefined): string => {
  if (code === UNAUTHENTICATED) return 'The event store does not accept the user or the password.';
  return stream === ALL_STREAMS
    ? 'The event store does not let this user read $all.'
    : `The event store denies access to ${stream}.`;
};

export const tooLarge = (stream: string, cause?: unknown): TooLargeError =>
  new TooLargeError('The append exceeds the size limit of the event store.', {
    cause,
    context: { stream },
  });

/** An error that a retry would hit again. */
const finalErrorOf = (
  failure: CallFailure,
  stream: string,
  cause: unknown,
): PortError | undefined => {
  switch (failure.exception) {
    case 'stream-deleted':
      return new StreamDeletedError(stream, cause);
    case 'access-denied':
      return accessDenied(stream, cause);
    case 'maximum-append-size-exceeded':
    case 'maximum-append-event-size-exceeded':
      return tooLarge(stream, cause);
  }
  if (DENIED_STATUSES.includes(failure.code)) return accessDenied(stream, cause);
  if (!REFUSED_STATUSES.includes(failure.code)) return undefined;
  return new PortError('NOT_SUPPORTED', 'The event store refuses the request.', false, {
    cause,
    context: { stream, details: failure.details },
  });
};

const DENIED_STATUSES: readonly number[] = [status.PERMISSION_DENIED, status.UNAUTHENTICATED];
const UNAUTHENTICATED: number = status.UNAUTHENTICATED;
const REFUSED_STATUSES: readonly number[] = [status.UNIMPLEMENTED, status.INVALID_ARGUMENT];
const UNIMPLEMENTED: number = status.UNIMPLEMENTED;
const UNAVAILABLE: number = status.UNAVAILABLE;

const NEVER_SENT =
  /^(No connection established|Name resolution failed|Channel closed before call started|Failed to discover)/;
const BROKEN_STREAM = /^(E[A-Z]+|ERR_(STREAM|HTTP2)_\w+)$/;
/** Messages of a node that returns a request unprocessed. */
const NEVER_TAKEN = /^(Server Is (Not Ready|Too Busy)|The node is not ready|No leader info)/;

const neverHandled = ({ details }: CallFailure): boolean =>
  NEVER_SENT.test(details) || NEVER_TAKEN.test(details);

/** Undefined if the error is not a failed call but a bug, which is not wrapped. */
export const callFailureOf = (error: unknown): CallFailure | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { code, details, metadata, _raw } = error as Partial<ServiceFailure>;
  if (_raw instanceof Error) return callFailureOf(_raw);
  if (typeof code === 'number') {
    const exception = metadata?.get('exception')[0]?.toString() ?? '';
    return { code, details: details ?? error.message, exception };
  }
  // Discovery fails with a plain error; a broken socket or stream has a Node error code.
  if (BROKEN_STREAM.test(String(code)) || NEVER_SENT.test(error.message)) {
    return { code: UNAVAILABLE, details: error.message, exception: '' };
  }
  return undefined;
};

interface ServiceFailure {
  readonly code: unknown;
  readonly details: string;
  readonly metadata: { get(key: string): { toString(): string }[] };
  /** The error classes of the client keep the original error. */
  readonly _raw: unknown;
}
