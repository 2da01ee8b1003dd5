import { Metadata, status } from '@grpc/grpc-js';
import { EventLogError, type EventLogLogger, type Expected } from '../log/event-log.js';

/** Limits after percent-encoding: some clients accept 8 KiB of headers in all. */
const MAX_ENCODED_BYTES = { details: 3000, name: 2000 };

/**
 * An error response in the shape that grpc-js sends. EventStoreDB's clients look at the trailer
 * `exception` first and then expect the other trailers of that exception.
 */
export class RpcError extends Error {
  readonly details: string;
  readonly metadata = new Metadata();

  constructor(
    readonly code: status,
    details: string,
    trailers: Readonly<Record<string, string>> = {},
  ) {
    super(details);
    this.name = 'RpcError';
    // grpc-js percent-encodes the message and throws on a lone surrogate.
    this.details = shortened(details, MAX_ENCODED_BYTES.details);
    for (const [key, value] of Object.entries(trailers)) this.metadata.set(key, ascii(value));
  }
}

/** The ellipsis marks a shortened name, so that it is not taken for another stream. */
const shortened = (text: string, maxEncodedBytes: number): string => {
  const whole = text.toWellFormed();
  if (encodeURI(whole).length <= maxEncodedBytes) return whole;
  let kept = '';
  let encodedBytes = 0;
  for (const character of whole) {
    encodedBytes += encodeURI(character).length;
    if (encodedBytes > maxEncodedBytes) break;
    kept += character;
  }
  return `${kept}…`;
};

const shownName = (stream: string): string => shortened(stream, MAX_ENCODED_BYTES.name);

/**
 * HTTP/2 header values are printable ASCII without leading or trailing spaces; a name may hold any
 * character.
 */
const ascii = (value: string): string =>
  value
    .toWellFormed()
    .replace(/[^ -~]/gu, encodeURIComponent)
    .replace(/^ +| +$/g, (spaces) => '%20'.repeat(spaces.length));

export const invalidArgument = (details: string): RpcError =>
  new RpcError(status.INVALID_ARGUMENT, details);

export const unimplemented = (details: string): RpcError =>
  new RpcError(status.UNIMPLEMENTED, details);

/**
 * The real server's response to a read of no events and to one forwards from the end of a stream.
 */
export const unexpectedReadResult = (): RpcError =>
  new RpcError(status.UNKNOWN, 'Unexpected ReadStreamResult: Error');

export const unavailable = (details: string): RpcError => new RpcError(status.UNAVAILABLE, details);

/** The write may still happen. */
export const timedOut = (details: string): RpcError => new RpcError(status.ABORTED, details);

export const permissionDenied = (details: string): RpcError =>
  new RpcError(status.PERMISSION_DENIED, details, { exception: 'access-denied' });

export const streamDeleted = (stream: string): RpcError =>
  new RpcError(status.FAILED_PRECONDITION, `Event stream '${shownName(stream)}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });

export const wrongExpectedVersion = (
  operation: string,
  stream: string,
  expected: Expected,
  actual: bigint | 'no_stream',
): RpcError => {
  const [expectedVersion, actualVersion] = [versionNumber(expected), versionNumber(actual)];
  return new RpcError(
    status.FAILED_PRECONDITION,
    `${operation} failed due to WrongExpectedVersion. Stream: ${shownName(stream)}, Expected version: ${expectedVersion}, Actual version: ${actualVersion}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': expectedVersion,
      'actual-version': actualVersion,
    },
  );
};

const versionNumber = (expected: Expected): string => {
  switch (expected) {
    case 'no_stream':
      return '-1';
    case 'any':
      return '-2';
    case 'stream_exists':
      return '-4';
    default:
      return expected.toString();
  }
};

export const maximumAppendSizeExceeded = (limitBytes: number): RpcError =>
  new RpcError(status.INVALID_ARGUMENT, `Maximum Append Size of ${limitBytes} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': limitBytes.toString(),
  });

export const requiredMetadataPropertyMissing = (property: string): RpcError =>
  new RpcError(
    status.INVALID_ARGUMENT,
    `Required Metadata Property '${property}' is missing or empty.`,
    {
      exception: 'missing-required-metadata-property',
      'required-metadata-properties': 'type,content-type',
    },
  );

/** The error sent to the client. A bug is logged and its text is not sent. */
export const toRpcError = (error: unknown, logger: EventLogLogger): RpcError => {
  if (error instanceof RpcError) return error;
  if (error instanceof EventLogError) return logFailure(error);
  logger.error('a gRPC call failed unexpectedly', { error });
  return new RpcError(status.UNKNOWN, 'The server failed unexpectedly.');
};

/**
 * A closed log makes clients reconnect. Any other failure to write is reported as a timeout:
 * clients retry it with the same ids and their other calls are not affected.
 */
const logFailure = ({ code, message }: EventLogError): RpcError =>
  code === 'closed' ? unavailable(message) : timedOut(`Operation timed out: ${message}`);
