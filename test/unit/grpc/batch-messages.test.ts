import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { expect } from 'chai';
import fc from 'fast-check';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import timestamp from 'google-protobuf/google/protobuf/timestamp_pb.js';
import protobuf from 'protobufjs/minimal.js';
import { parseBatchRequest } from '../../../src/embedded-eventstore/grpc/batch-messages.js';
import { eachField, uint64Field } from '../../../src/embedded-eventstore/grpc/protobuf.js';
import { uuidIn } from '../../../src/embedded-eventstore/grpc/request-shapes.js';
import { identifier } from '../../support/raw-grpc.js';

const { Options, ProposedMessage } = streams.BatchAppendReq;

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const bytes = fc.uint8Array({ maxLength: 300 });

const uuidMessage = fc.oneof(
  fc.uuid().map((id) => new shared.UUID().setString(id)),
  fc
    .tuple(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), fc.bigInt({ min: -(2n ** 63n), max: 0n }))
    .map(([most, least]) =>
      new shared.UUID().setStructured(
        new shared.UUID.Structured()
          .setMostSignificantBits(most.toString())
          .setLeastSignificantBits(least.toString()),
      ),
    ),
);

const expectation = fc.oneof(
  fc.constantFrom('no_stream', 'any', 'stream_exists', undefined),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);

const request = fc.record({
  correlationId: fc.option(uuidMessage, { nil: undefined }),
  options: fc.option(
    fc.record({
      stream: text,
      expected: expectation,
      deadline: fc.option(fc.integer({ min: 0, max: 2 ** 45 }), { nil: undefined }),
    }),
    { nil: undefined },
  ),
  proposed: fc.array(
    fc.record({
      id: fc.option(uuidMessage, { nil: undefined }),
      type: text,
      contentType: text,
      other: text,
      data: bytes,
      metadata: bytes,
    }),
    { maxLength: 4 },
  ),
  isFinal: fc.boolean(),
});

type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

const optionsMessage = ({ stream, expected, deadline }: NonNullable<Request['options']>) => {
  const options = new Options().setStreamIdentifier(identifier(stream));
  if (deadline !== undefined) {
    options.setDeadline(timestamp.Timestamp.fromDate(new Date(deadline)));
  }
  if (typeof expected === 'bigint') options.setStreamPosition(expected.toString());
  if (expected === 'no_stream') options.setNoStream(new empty.Empty());
  if (expected === 'any') options.setAny(new empty.Empty());
  if (expected === 'stream_exists') options.setStreamExists(new empty.Empty());
  return options;
};

/** As google-protobuf encodes it. */
const encoded = ({ correlationId, options, proposed, isFinal }: Request): Buffer => {
  const message = new streams.BatchAppendReq().setIsFinal(isFinal);
  if (correlationId !== undefined) message.setCorrelationId(correlationId);
  if (options !== undefined) message.setOptions(optionsMessage(options));
  for (const { id, type, contentType, other, data, metadata } of proposed) {
    const event = new ProposedMessage().setData(data).setCustomMetadata(metadata);
    if (id !== undefined) event.setId(id);
    const properties = event.getMetadataMap();
    properties.set('other', other).set('type', type).set('content-type', contentType);
    message.addProposedMessages(event);
  }
  return Buffer.from(message.serializeBinary());
};

const written = (value: bigint): Buffer => {
  const writer = new protobuf.BufferWriter();
  uint64Field(writer, 1, value);
  return Buffer.from(writer.finish());
};

const asBuffer = (uuid: shared.UUID | undefined) =>
  uuid === undefined ? undefined : Buffer.from(uuid.serializeBinary());

describe('the request of a batch append', () => {
  it('is read as google-protobuf wrote it', () => {
    fc.assert(
      fc.property(request, (sent) => {
        const read = parseBatchRequest(encoded(sent));
        expect(read.correlationId).to.deep.equal(asBuffer(sent.correlationId));
        expect(read.isFinal).to.equal(sent.isFinal);
        expect(Buffer.from(read.options?.streamName ?? []).toString()).to.equal(
          sent.options?.stream ?? '',
        );
        expect(read.options?.expected).to.equal(sent.options?.expected);
        expect(read.options?.deadline).to.equal(sent.options?.deadline);
        const events = read.proposed.map(({ id, data, metadata, ...rest }) => {
          return { id, data: Buffer.from(data), metadata: Buffer.from(metadata), ...rest };
        });
        expect(events).to.deep.equal(
          sent.proposed.map(({ id, type, contentType, data, metadata }) => ({
            id: asBuffer(id),
            data: Buffer.from(data),
            metadata: Buffer.from(metadata),
            type,
            contentType,
          })),
        );
      }),
    );
  });

  it('may have fields that are not known here', () => {
    const unknown = Buffer.from([0x7a, 0x01, 0x61, 0x68, 0x05, 0x5d, 1, 2, 3, 4]);
    const { isFinal } = parseBatchRequest(Buffer.concat([unknown, Buffer.from([0x20, 0x01])]));
    expect(isFinal).to.equal(true);
  });

  it('is refused where a field has the type of another', () => {
    for (const bytes of [
      [0x08, 0x01],
      [0x22, 0x00],
      [0x12, 0x02, 0x08, 0x01],
    ]) {
      expect(() => parseBatchRequest(Buffer.from(bytes))).to.throw(RangeError);
    }
  });

  it('is refused where it ends within a number', () => {
    for (const bytes of [
      [0x20, 0x80, 0x80, 0x80],
      [0x12, 0x05, 0x10, 0xff, 0xff, 0xff, 0xff],
    ]) {
      expect(() => parseBatchRequest(Buffer.from(bytes))).to.throw(RangeError);
    }
  });

  it('has ids in either form and in either case of their letters', () => {
    const id = 'abcdef01-2345-6789-abcd-ef0123456789';
    const structured = new shared.UUID.Structured()
      .setMostSignificantBits(BigInt.asIntN(64, 0xabcdef0123456789n).toString())
      .setLeastSignificantBits(BigInt.asIntN(64, 0xabcdef0123456789n).toString());
    for (const message of [
      new shared.UUID().setString(id),
      new shared.UUID().setString(id.toUpperCase()),
      new shared.UUID().setString(id.replaceAll('-', '')),
      new shared.UUID().setStructured(structured),
    ]) {
      expect(uuidIn(Buffer.from(message.serializeBinary()), 'An id')).to.equal(id);
    }
    const nil = new shared.UUID().setString('00000000-0000-0000-0000-000000000000');
    for (const bytes of [undefined, Buffer.alloc(0), Buffer.from(nil.serializeBinary())]) {
      expect(() => uuidIn(bytes, 'An id')).to.throw('An id must be a UUID other than zero.');
    }
  });
});

describe('a number of 64 bits', () => {
  it('is read as it was written', () => {
    const number = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 2n ** 53n - 2n, max: 2n ** 53n + 2n }),
    );
    fc.assert(
      fc.property(number, (value) => {
        const read: bigint[] = [];
        eachField(written(value), (field) => read.push(field.uint64()));
        expect(read).to.deep.equal([value]);
      }),
    );
  });
});
