import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { Expected } from '../log/event-log.js';
import { isReserved } from '../log/link-rules.js';
import { permissionDenied, invalidArgument } from './rpc-error.js';

/** The real server has no limit. Names also travel in trailers, percent-encoded. */
const MAX_NAME_BYTES = 8 * 1024;

/** The formats in which .NET writes a Guid (N, D, B, P, X): Emmett sends ids without dashes. */
const UUID_FORMS: readonly RegExp[] = [
  /^[\da-f]{32}$/,
  /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/,
  /^\{[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\}$/,
  /^\([\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\)$/,
  /^\{0x[\da-f]{8},(?:0x[\da-f]{4},){2}\{0x[\da-f]{2}(?:,0x[\da-f]{2}){7}\}\}$/,
];
const NIL = '00000000-0000-0000-0000-000000000000';

const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A stream name; refused if it could not be returned exactly as received. */
export const streamNameOf = (identifier: shared.StreamIdentifier | undefined): string => {
  const bytes = identifier?.getStreamName_asU8() ?? new Uint8Array();
  if (bytes.length === 0) throw invalidArgument('A stream name is required.');
  if (bytes.length > MAX_NAME_BYTES) {
    throw invalidArgument(`A stream name must have at most ${MAX_NAME_BYTES} bytes.`);
  }
  const name = decodedName(bytes);
  if (name.includes('\0')) throw invalidArgument('A stream name must not contain NUL.');
  return name;
};

export const writableStreamOf = (identifier: shared.StreamIdentifier | undefined): string => {
  const stream = streamNameOf(identifier);
  if (isReserved(stream)) {
    throw permissionDenied(
      'Access Denied: $ce- and $et- streams are maintained by the server. Write to the streams that they link to.',
    );
  }
  return stream;
};

const decodedName = (bytes: Uint8Array): string => {
  try {
    return strictText.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidArgument('A stream name must be valid UTF-8.');
  }
};

export const identifierOf = (stream: string): shared.StreamIdentifier => {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream, 'utf8'));
  return identifier;
};

/** A UUID in either of the protocol's forms, as lower-case text with dashes. */
export const uuidOf = (uuid: shared.UUID | undefined, what: string): string => {
  const sent = uuid?.hasStructured() === true ? structuredText(uuid) : uuid?.getString();
  const text = (sent ?? '').slice(0, MAX_UUID_CHARACTERS).trim().toLowerCase();
  const hex = UUID_FORMS.some((form) => form.test(text)) ? digitsOf(text) : '';
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  if (id === '' || id === NIL) throw invalidArgument(`${what} must be a UUID other than zero.`);
  return id;
};

/** More than the longest form has, so a text cut at this length is never a valid UUID. */
const MAX_UUID_CHARACTERS = 100;

const digitsOf = (text: string): string => text.replaceAll('0x', '').replace(/[^\da-f]/g, '');

const structuredText = (uuid: shared.UUID): string => {
  const bits = uuid.getStructured();
  return [bits?.getMostSignificantBits(), bits?.getLeastSignificantBits()]
    .map((half) => BigInt.asUintN(64, BigInt(half ?? 0)))
    .map((half) => half.toString(16).padStart(16, '0'))
    .join('');
};

export const uuidMessage = (id: string, form: 'string' | 'structured'): shared.UUID => {
  const message = new shared.UUID();
  if (form === 'string') return message.setString(id);
  const hex = id.replaceAll('-', '');
  const structured = new shared.UUID.Structured();
  structured.setMostSignificantBits(signedBits(hex.slice(0, 16)));
  structured.setLeastSignificantBits(signedBits(hex.slice(16)));
  return message.setStructured(structured);
};

const signedBits = (hex: string): string => BigInt.asIntN(64, BigInt(`0x${hex}`)).toString();

/** Revisions and positions are signed 64-bit numbers in the log, unsigned on the wire. */
export const MAX_INT64 = 2n ** 63n - 1n;
/** .NET's `StreamRevision.None`, -1 as an unsigned number: how Equinox expects no stream. */
const NO_REVISION = 2n ** 64n - 1n;

interface ExpectedOptions {
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists(): boolean;
}

/** Whichever of the four kinds of expectation is set. */
export const expectedOf = (options: ExpectedOptions, revision: string | undefined): Expected => {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  if (revision === undefined) throw invalidArgument('An expected stream revision is required.');
  const expected = BigInt(revision);
  if (expected === NO_REVISION) return 'no_stream';
  if (expected > MAX_INT64) throw invalidArgument(`${expected.toString()} is not a revision.`);
  return expected;
};
