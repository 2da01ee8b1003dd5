import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { deserialize, ServiceDefinition } from '@grpc/grpc-js';
import { assertBounds, type Shape } from './wire-bounds.js';

const PLAIN: Shape = {};

const uuid: Shape = { 1: PLAIN };
const target: Shape = { 1: PLAIN, 3: PLAIN, 4: PLAIN, 5: PLAIN, 6: PLAIN };
/** An event: its id and the entries of its metadata. */
const proposed: Shape = { 1: uuid, 2: PLAIN };

const stream: Shape = { 1: PLAIN, 3: PLAIN, 4: PLAIN };
const all: Shape = { 1: PLAIN, 2: PLAIN, 3: PLAIN };
const filter: Shape = { 1: PLAIN, 2: PLAIN, 4: PLAIN };
const uuidForm: Shape = { 1: PLAIN, 2: PLAIN };
const read: Shape = { 1: stream, 2: all, 6: PLAIN, 7: filter, 8: PLAIN, 9: uuidForm, 10: PLAIN };

/** The shapes of requests in streams.proto. */
const SHAPES = {
  read: { 1: read },
  append: { 1: target, 2: proposed },
  batchAppend: { 1: uuid, 2: target, 3: proposed },
  delete: { 1: target },
  tombstone: { 1: target },
} satisfies Record<string, Shape>;

const checked =
  <T>(shape: Shape, parse: deserialize<T>): deserialize<T> =>
  (bytes) => {
    assertBounds(bytes, shape);
    return parse(bytes);
  };

/** The service as it is defined, reading only requests whose lengths are true. */
export const boundedStreamsService: ServiceDefinition = {
  ...StreamsService,
  ...Object.fromEntries(
    Object.entries(SHAPES).map(([name, shape]) => {
      const method = StreamsService[name as keyof typeof SHAPES];
      return [
        name,
        { ...method, requestDeserialize: checked<unknown>(shape, method.requestDeserialize) },
      ];
    }),
  ),
};

/** For requests of which nothing is read: they are not even parsed. */
export const unread = (service: ServiceDefinition): ServiceDefinition =>
  Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      { ...method, requestDeserialize: () => ({}) },
    ]),
  );
