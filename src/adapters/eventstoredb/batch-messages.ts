import statuses, { type Status } from '@eventstore/db-client/generated/status_pb.js';
import protobuf, { type BufferWriter } from 'protobufjs/minimal.js';
import type { EncodedEvent, ExpectedRevision, Position } from '../../ports/event-store.js';
import { eachField, positionIn, uint64, uuidIn } from './fields.js';

export interface Append {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly EncodedEvent[];
}

/** `BatchAppendResp`. With google-protobuf both messages cost a command more than deciding it does. */
export interface BatchResponse {
  readonly correlationId: string;
  readonly success: BatchSuccess | undefined;
  readonly error: Status | undefined;
}

interface BatchSuccess {
  readonly revision: bigint;
  readonly position: Position | undefined;
}

/**
 * The deadline of a batch is a time of day on the server's clock. The server has a shorter limit of
 * its own and we have a timer, so it only has to tolerate clock differences.
 */
const CLOCK_SKEW_SECONDS = 24 * 60 * 60;

/** `BatchAppendReq`, with all events of the append. */
export const batchRequest = (correlationId: string, append: Append): Buffer => {
  const writer = new protobuf.BufferWriter();
  uuid(writer, 1, correlationId);
  options(writer, append);
  for (const event of append.events) proposed(writer, event);
  return writer.uint32(number(4)).bool(true).finish() as Buffer;
};

/** The tag of a field that holds a number. */
const number = (field: number): number => field * 8;
/** The tag of a field that holds bytes, a text or a message. */
const bytes = (field: number): number => field * 8 + 2;

const uuid = (writer: BufferWriter, field: number, id: string) =>
  writer.uint32(bytes(field)).fork().uint32(bytes(2)).string(id).ldelim();

const options = (writer: BufferWriter, { stream, expected }: Append): void => {
  const deadline = Math.ceil(Date.now() / 1000) + CLOCK_SKEW_SECONDS;
  writer.uint32(bytes(2)).fork();
  writer.uint32(bytes(1)).fork().uint32(bytes(3)).string(stream).ldelim();
  // Exact: no stream has 2^53 events.
  if (expected !== 'no_stream') writer.uint32(number(2)).uint64(Number(expected));
  else writer.uint32(bytes(3)).fork().ldelim();
  writer.uint32(bytes(6)).fork().uint32(number(1)).int64(deadline).ldelim();
  writer.ldelim();
};

const proposed = (writer: BufferWriter, event: EncodedEvent): void => {
  writer.uint32(bytes(3)).fork();
  uuid(writer, 1, event.id);
  property(writer, 'type', event.type);
  property(writer, 'content-type', event.isJson ? 'application/json' : 'application/octet-stream');
  writer.uint32(bytes(3)).bytes(event.metadata).uint32(bytes(4)).bytes(event.data).ldelim();
};

const property = (writer: BufferWriter, key: string, value: string) =>
  writer
    .uint32(bytes(2))
    .fork()
    .uint32(bytes(1))
    .string(key)
    .uint32(bytes(2))
    .string(value)
    .ldelim();

export const batchResponse = (message: Buffer): BatchResponse => {
  let correlationId = '';
  let success: BatchSuccess | undefined;
  let error: Status | undefined;
  eachField(message, (field, reader) => {
    if (field === 1) correlationId = uuidIn(reader.bytes());
    if (field === 2) error = statuses.Status.deserializeBinary(reader.bytes());
    if (field === 3) success = successIn(reader.bytes());
  });
  return { correlationId, success, error };
};

const successIn = (message: Uint8Array): BatchSuccess => {
  let revision = 0n;
  let position: Position | undefined;
  eachField(message, (field, reader) => {
    if (field === 1) revision = uint64(reader);
    if (field === 3) position = positionIn(reader.bytes());
  });
  return { revision, position };
};
