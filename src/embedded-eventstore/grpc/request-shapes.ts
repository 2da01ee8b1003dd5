import { isAscii } from 'node:buffer';
import { ProjectionsService } from '@eventstore/db-client/generated/projections_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { deserialize, ServiceDefinition } from '@grpc/grpc-js';
import type { Expected } from '../log/event-log.js';
import { isReserved } from '../log/link-rules.js';
import { parseBatchRequest, uuidTextIn } from './batch-messages.js';
import { assertBounds, type Shape } from './protobuf.js';
import { invalidArgument, permissionDenied } from './rpc-error.js';

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
export const streamNameOf = (identifier: shared.StreamIdentifier | undefined): string =>
  streamNameIn(identifier?.getStreamName_asU8());

const streamNameIn = (bytes: Uint8Array = new Uint8Array()): string => {
  if (bytes.length === 0) throw invalidArgument('A stream name is required.');
  if (bytes.length > MAX_NAME_BYTES) {
    throw invalidArgument(`A stream name must have at most ${MAX_NAME_BYTES} bytes.`);
  }
  const name = decodedName(bytes);
  if (name.includes('\0')) throw invalidArgument('A stream name must not contain NUL.');
  return name;
};

export const writableStreamOf = (identifier: shared.StreamIdentifier | undefined): string =>
  writableStreamIn(identifier?.getStreamName_asU8());

/** As above, from the bytes of the name. */
export const writableStreamIn = (name: Uint8Array | undefined): string => {
  const stream = streamNameIn(name);
  if (isReserved(stream)) {
    throw permissionDenied(
      'Access Denied: $ce- and $et- streams are maintained by the server. Write to the streams that they link to.',
    );
  }
  return stream;
};

const decodedName = (bytes: Uint8Array): string => {
  // A strict decoder takes longer than everything else about a name.
  if (isAscii(bytes)) return latin1Text(bytes);
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
export const uuidOf = (uuid: shared.UUID | undefined, what: string): string =>
  uuidFrom((uuid?.hasStructured() === true ? structuredText(uuid) : uuid?.getString()) ?? '', what);

/** As above, from the bytes of the message. */
export const uuidIn = (message: Buffer | undefined, what: string): string =>
  uuidFrom(message === undefined ? '' : uuidTextIn(message), what);

const uuidFrom = (sent: string, what: string): string => {
  // What nearly every client sends.
  if (PLAIN_UUID.test(sent) && sent !== NIL) return sent;
  const text = sent.slice(0, MAX_UUID_CHARACTERS).trim().toLowerCase();
  const hex = UUID_FORMS.some((form) => form.test(text)) ? digitsOf(text) : '';
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  if (id === '' || id === NIL) throw invalidArgument(`${what} must be a UUID other than zero.`);
  return id;
};

const PLAIN_UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;

const latin1Text = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('latin1');

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
  return expectedRevision(revision === undefined ? undefined : BigInt(revision));
};

/** The expectation of a revision, which may be none. */
export const expectedRevision = (expected: bigint | undefined): Expected => {
  if (expected === undefined) throw invalidArgument('An expected stream revision is required.');
  if (expected === NO_REVISION) return 'no_stream';
  if (expected > MAX_INT64) throw invalidArgument(`${expected.toString()} is not a revision.`);
  return expected;
};

const PLAIN: Shape = {};

const UUID_SHAPE: Shape = { 1: PLAIN };
const APPEND_TARGET: Shape = { 1: PLAIN, 3: PLAIN, 4: PLAIN, 5: PLAIN, 6: PLAIN };
/** An event: its id and the entries of its metadata. */
const PROPOSED: Shape = { 1: UUID_SHAPE, 2: PLAIN };

const STREAM: Shape = { 1: PLAIN, 3: PLAIN, 4: PLAIN };
const ALL: Shape = { 1: PLAIN, 2: PLAIN, 3: PLAIN };
const FILTER: Shape = { 1: PLAIN, 2: PLAIN, 4: PLAIN };
const UUID_FORM: Shape = { 1: PLAIN, 2: PLAIN };
const READ: Shape = { 1: STREAM, 2: ALL, 6: PLAIN, 7: FILTER, 8: PLAIN, 9: UUID_FORM, 10: PLAIN };

/** The shapes of requests in streams.proto. */
const SHAPES = {
  read: { 1: READ },
  append: { 1: APPEND_TARGET, 2: PROPOSED },
  delete: { 1: APPEND_TARGET },
  tombstone: { 1: APPEND_TARGET },
} satisfies Record<string, Shape>;

const withinBounds =
  <T>(shape: Shape, parse: deserialize<T>): deserialize<T> =>
  (bytes) => {
    assertBounds(bytes, shape);
    return parse(bytes);
  };

/** A projection by name, with plain values. */
const NAMED_OPTIONS: Shape = { 1: PLAIN };

/** The shapes of requests in projections.proto. */
const PROJECTION_SHAPES: Readonly<Record<string, Shape>> = {
  create: { 1: { 1: PLAIN, 2: PLAIN, 3: PLAIN } },
  update: { 1: { 4: PLAIN } },
  delete: NAMED_OPTIONS,
  enable: NAMED_OPTIONS,
  disable: NAMED_OPTIONS,
  reset: NAMED_OPTIONS,
  state: NAMED_OPTIONS,
  result: NAMED_OPTIONS,
  statistics: { 1: { 2: PLAIN, 3: PLAIN, 4: PLAIN, 5: PLAIN } },
  restartSubsystem: PLAIN,
};

/** The service definition with request lengths checked before parsing. */
const boundedService = (
  service: ServiceDefinition,
  shapes: Readonly<Record<string, Shape>>,
): ServiceDefinition => ({
  ...service,
  ...Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const method = service[name];
      if (method === undefined) throw new Error(`There is no method ${name}.`);
      return [
        name,
        { ...method, requestDeserialize: withinBounds(shape, method.requestDeserialize) },
      ];
    }),
  ),
});

/** Most calls are batch appends, which google-protobuf is too slow for. */
export const boundedStreamsService: ServiceDefinition = {
  ...boundedService(StreamsService, SHAPES),
  batchAppend: {
    ...StreamsService['batchAppend'],
    requestDeserialize: parseBatchRequest,
    responseSerialize: (response: Buffer) => response,
  } as ServiceDefinition[string],
};
export const boundedProjectionsService = boundedService(ProjectionsService, PROJECTION_SHAPES);

/** For requests whose content is ignored: they are not parsed. */
export const unread = (service: ServiceDefinition): ServiceDefinition =>
  Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      { ...method, requestDeserialize: () => ({}) },
    ]),
  );
