import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { expect } from 'chai';
import fc from 'fast-check';
import { assertBounds } from '../../../src/embedded-eventstore/grpc/protobuf.js';
import { boundedStreamsService } from '../../../src/embedded-eventstore/grpc/request-shapes.js';
import { batchRequest, identifier, proposed } from '../../support/raw-grpc.js';

const ID = '0c2a1e5e-6f0a-4d7e-9f39-1a3b5c7d9e0f';

const { Options } = streams.ReadReq;
const { Expression } = Options.FilterOptions;
const empty = () => new shared.Empty();

const readOptions = () =>
  new Options()
    .setStream(
      new Options.StreamOptions().setStreamIdentifier(identifier('stream')).setEnd(empty()),
    )
    .setUuidOption(new Options.UUIDOption().setString(empty()))
    .setControlOption(new Options.ControlOption().setCompatibility(1));

const appendMessage = () => {
  const bits = new shared.UUID.Structured()
    .setMostSignificantBits('1')
    .setLeastSignificantBits('2');
  const message = new streams.AppendReq.ProposedMessage()
    .setId(new shared.UUID().setStructured(bits))
    .setData(Buffer.from('{}'))
    .setCustomMetadata(Buffer.from('{}'));
  message.getMetadataMap().set('type', 'Clicked').set('content-type', 'application/json');
  return message;
};

/** Requests that have every message inside that there can be. */
const SAMPLES: Record<string, { serializeBinary(): Uint8Array }[]> = {
  read: [
    new streams.ReadReq().setOptions(readOptions().setCount('7').setNoFilter(empty())),
    new streams.ReadReq().setOptions(
      new Options()
        .setAll(new Options.AllOptions().setPosition(new Options.Position().setCommitPosition('7')))
        .setSubscription(new Options.SubscriptionOptions())
        .setFilter(
          new Options.FilterOptions()
            .setStreamIdentifier(new Expression().setPrefixList(['anime-']))
            .setCount(empty()),
        ),
    ),
    new streams.ReadReq().setOptions(
      new Options()
        .setAll(new Options.AllOptions().setStart(empty()))
        .setFilter(new Options.FilterOptions().setEventType(new Expression().setRegex('^a'))),
    ),
  ],
  append: [
    new streams.AppendReq().setOptions(
      new streams.AppendReq.Options().setStreamIdentifier(identifier('s')).setAny(empty()),
    ),
    new streams.AppendReq().setProposedMessage(appendMessage()),
  ],
  batchAppend: [
    batchRequest({ correlationId: ID, stream: 's', deadlineMs: 9, events: [proposed({ id: ID })] }),
  ],
  delete: [
    new streams.DeleteReq().setOptions(
      new streams.DeleteReq.Options().setStreamIdentifier(identifier('s')).setNoStream(empty()),
    ),
  ],
  tombstone: [
    new streams.TombstoneReq().setOptions(
      new streams.TombstoneReq.Options().setStreamIdentifier(identifier('s')).setAny(empty()),
    ),
  ],
};

const parse = (method: string, bytes: Uint8Array): unknown =>
  boundedStreamsService[method]?.requestDeserialize(Buffer.from(bytes));

/** Parsed or refused, and soon: believing a false length would take until the test's time is up. */
const survive = (method: string, bytes: Uint8Array): void => {
  try {
    parse(method, bytes);
  } catch (error) {
    expect(error).to.be.instanceOf(Error);
  }
};

/** Two gigabytes as a length. */
const HUGE = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07);

describe('the lengths in a request', () => {
  for (const [method, samples] of Object.entries(SAMPLES)) {
    it(`are correct in every ${method} of a real client`, () => {
      for (const sample of samples)
        expect(() => parse(method, sample.serializeBinary())).not.to.throw();
    });

    it(`cannot keep the server busy, wherever they are wrong in a ${method}`, () => {
      for (const sample of samples) {
        const bytes = sample.serializeBinary();
        for (let at = 0; at + HUGE.length <= bytes.length; at += 1) {
          // Written over what is there: the lengths around it stay true.
          const lie = Buffer.from(bytes);
          lie.set(HUGE, at);
          survive(method, lie);
        }
      }
    });
  }

  it('are refused where a string claims more than was sent', () => {
    const lie = Buffer.concat([Uint8Array.of(0x0a, 0x06, 0x12), HUGE, Uint8Array.of(0x61)]);
    expect(() => parse('batchAppend', lie)).to.throw(RangeError, 'index out of range');
  });

  for (const [what, bytes] of [
    ['a group', [0x0b, 0x0c]],
    ['a length of six bytes', [0x0a, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 0x61, 0, 0, 0, 0]],
    ['a field number of six bytes', [0x8a, 0x80, 0x80, 0x80, 0x80, 0x00, 0, 0, 0, 0, 0x00]],
    ['a number without an end', [0x08, 0xff, 0xff, 0xff]],
    ['a number of eleven bytes', [0x08, ...Array.from({ length: 11 }, () => 0x80), 0x00]],
    ['eight bytes of which four came', [0x09, 1, 2, 3, 4]],
    ['four bytes of which none came', [0x0d]],
    ['a kind of field that does not exist', [0x0f]],
  ] as const) {
    it(`are refused with ${what}`, () => {
      expect(() => assertBounds(Buffer.from(bytes), {})).to.throw(Error);
    });
  }

  it('are read in any message without an unexpected exception', () => {
    const shape = { 1: { 1: {}, 2: {} }, 2: {} };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          assertBounds(Buffer.from(bytes), shape);
        } catch (error) {
          expect(error).to.be.instanceOf(Error);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
