import shared from '@eventstore/db-client/generated/shared_pb.js';
import { invalidArgument } from './rpc-error.js';

/** Names travel in trailers too, percent-encoded: three times this still fits a header. */
const MAX_NAME_BYTES = 1024;

const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;
const NIL = '00000000-0000-0000-0000-000000000000';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The name of a stream, refused where it could not be given back as it came. */
export const streamNameOf = (identifier: shared.StreamIdentifier | undefined): string => {
  const bytes = identifier?.getStreamName_asU8() ?? new Uint8Array();
  if (bytes.length === 0) throw invalidArgument('A stream name is required.');
  if (bytes.length > MAX_NAME_BYTES) {
    throw invalidArgument(`A stream name has at most ${MAX_NAME_BYTES} bytes.`);
  }
  const name = decoded(bytes);
  if (name.includes('\0')) throw invalidArgument('A stream name has no NUL character.');
  return name;
};

const decoded = (bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidArgument('A stream name is UTF-8.');
  }
};

export const streamIdentifier = (stream: string): shared.StreamIdentifier => {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream, 'utf8'));
  return identifier;
};

/** A UUID in either of the protocol's forms, as lower-case text. */
export const uuidOf = (uuid: shared.UUID | undefined, what: string): string => {
  const text = uuid?.hasStructured() === true ? structuredText(uuid) : uuid?.getString();
  const id = text?.toLowerCase() ?? '';
  if (!UUID.test(id) || id === NIL) throw invalidArgument(`${what} is a UUID other than zero.`);
  return id;
};

const structuredText = (uuid: shared.UUID): string => {
  const bits = uuid.getStructured();
  const hex = [bits?.getMostSignificantBits(), bits?.getLeastSignificantBits()]
    .map((half) => BigInt.asUintN(64, BigInt(half ?? 0)))
    .map((half) => half.toString(16).padStart(16, '0'))
    .join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
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
