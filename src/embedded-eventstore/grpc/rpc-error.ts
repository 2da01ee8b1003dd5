import { Metadata, status } from '@grpc/grpc-js';
import type { EventLogLogger } from '../logger.js';
import { EventLogError, type Expected } from '../log/event-log.js';

/** As sent, percent-encoded: some clients take 8 KiB of headers in all. */
const MAX_ENCODED_BYTES = { details: 3000, name: 2000 };

/**
 * A call that is answered with an error, in the shape that grpc-js sends. EventStoreDB's clients
 * look at the trailer `exception` first and then expect the other trailers of that exception.
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
    // grpc-js percent-encodes the message and throws at half a surrogate pair.
    this.details = shortened(details, MAX_ENCODED_BYTES.details);
    for (const [key, value] of Object.entries(trailers)) this.metadata.set(key, ascii(value));
  }
}

/** The ellipsis tells a name that was shortened from another stream's. */
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

/** HTTP/2 header values are printable ASCII without spaces at their ends; a name may be anything. */
const ascii = (value: string): string =>
  value
    .toWellFormed()
    .replace(/[^ -~]/gu, encodeURIComponent)
    .replace(/^ +| +$/g, (spaces) => '%20'.repeat(spaces.length));

export const invalidArgument = (details: string): RpcError =>
  new RpcError(status.INVALID_ARGUMENT, details);

export const unimplemented = (details: string): RpcError =>
  new RpcError(status.UNIMPLEMENTED, details);

/** The server's answer to a read of no events and to one forwards from the end of a stream. */
export const unexpectedReadResult = (): RpcError =>
  new RpcError(status.UNKNOWN, 'Unexpected ReadStreamResult: Error');

export const unavailable = (details: string): RpcError => new RpcError(status.UNAVAILABLE, details);

/** The write may or may not happen still. */
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

/** What a call is answered with when it fails. A bug is logged and its text stays here. */
export const toRpcError = (error: unknown, logger: EventLogLogger): RpcError => {
  if (error instanceof RpcError) return error;
  if (error instanceof EventLogError) return logFailure(error);
  logger.error('a gRPC call failed unexpectedly', { error });
  return new RpcError(status.UNKNOWN, 'The server failed unexpectedly.');
};

/**
 * A closed log makes clients connect again. Whatever else keeps it from writing is told as a
 * timeout, which clients repeat with the same ids, and which leaves their other calls alone.
 */
const logFailure = ({ code, message }: EventLogError): RpcError =>
  code === 'closed' ? unavailable(message) : timedOut(`Operation timed out: ${message}`);
