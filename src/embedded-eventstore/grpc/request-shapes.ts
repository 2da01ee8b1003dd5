import { ProjectionsService } from '@eventstore/db-client/generated/projections_grpc_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { deserialize, ServiceDefinition } from '@grpc/grpc-js';

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
  batchAppend: { 1: UUID_SHAPE, 2: APPEND_TARGET, 3: PROPOSED },
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

export const boundedStreamsService = boundedService(StreamsService, SHAPES);
export const boundedProjectionsService = boundedService(ProjectionsService, PROJECTION_SHAPES);

/** For requests whose content is ignored: they are not parsed. */
export const unread = (service: ServiceDefinition): ServiceDefinition =>
  Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      { ...method, requestDeserialize: () => ({}) },
    ]),
  );

/** The nested messages of a message, by field number; all other fields are plain values. */
interface Shape {
  readonly [field: number]: Shape;
}

/**
 * Checks that every length in a protobuf message stays within the bytes received. google-protobuf
 * 3.21 trusts the length of a text: a request of a hundred bytes could keep it busy for minutes and
 * allocate gigabytes. It does check the types of fields, so these are not checked here.
 */
export const assertBounds = (bytes: Uint8Array, shape: Shape): void =>
  walk(bytes, 0, bytes.length, shape);

const malformed = () => new RangeError('The message is malformed.');

const walk = (bytes: Uint8Array, start: number, end: number, shape: Shape): void => {
  let at = start;
  while (at < end) {
    const tag = varint(bytes, at, end);
    at = afterVarint(bytes, at, end);
    switch (tag % 8) {
      case 0:
        at = afterVarint(bytes, at, end);
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint(bytes, at, end);
        at = afterVarint(bytes, at, end);
        const inner = shape[Math.floor(tag / 8)];
        if (length > end - at) throw malformed();
        if (inner !== undefined) walk(bytes, at, at + length, inner);
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      // A group, which this protocol does not use, or an unknown wire type.
      default:
        throw malformed();
    }
    if (at > end) throw malformed();
  }
};

const MAX_VARINT_BYTES = 10;

/** Exact up to 2^53; any larger length is too long anyway. */
const varint = (bytes: Uint8Array, start: number, end: number): number => {
  let value = 0;
  let scale = 1;
  for (let at = start; at < end && at < start + MAX_VARINT_BYTES; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 0x80;
  }
  throw malformed();
};

const afterVarint = (bytes: Uint8Array, start: number, end: number): number => {
  for (let at = start; at < end && at < start + MAX_VARINT_BYTES; at += 1) {
    if ((bytes[at] ?? 0) < 0x80) return at + 1;
  }
  throw malformed();
};
