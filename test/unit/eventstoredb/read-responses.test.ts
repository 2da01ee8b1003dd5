import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { expect } from 'chai';
import fc from 'fast-check';
import { readResponse } from '../../../src/adapters/eventstoredb/read-responses.js';

const { ReadResp } = streams;
const { ReadEvent } = ReadResp;

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 });
const place = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

const recorded = fc.record({
  stream: text,
  revision: place,
  id: fc.uuid(),
  type: text,
  data: bytes,
  metadata: bytes,
  isJson: fc.boolean(),
  position: fc.record({ commit: place, prepare: place }),
  recordedAt: fc.integer({ min: 0, max: 2 ** 45 }),
});

type Recorded = typeof recorded extends fc.Arbitrary<infer Value> ? Value : never;

const structured = (id: string): shared.UUID => {
  const [most = 0n, least = 0n] = [id.slice(0, 18), id.slice(18)].map((half) =>
    BigInt.asIntN(64, BigInt(`0x${half.replaceAll('-', '')}`)),
  );
  return new shared.UUID().setStructured(
    new shared.UUID.Structured()
      .setMostSignificantBits(most.toString())
      .setLeastSignificantBits(least.toString()),
  );
};

const eventMessage = (event: Recorded, id: shared.UUID) => {
  const message = new ReadEvent.RecordedEvent()
    .setId(id)
    .setStreamIdentifier(
      new shared.StreamIdentifier().setStreamName(new TextEncoder().encode(event.stream)),
    )
    .setStreamRevision(event.revision.toString())
    .setCommitPosition(event.position.commit.toString())
    .setPreparePosition(event.position.prepare.toString())
    .setData(event.data)
    .setCustomMetadata(event.metadata);
  message
    .getMetadataMap()
    .set('type', event.type)
    .set('content-type', event.isJson ? 'application/json' : 'application/octet-stream')
    .set('created', `${event.recordedAt}0000`);
  return message;
};

const decoded = (message: streams.ReadResp) => readResponse(Buffer.from(message.serializeBinary()));

describe('a response to a read', () => {
  it('holds the event that google-protobuf wrote, with its id in either form', () => {
    fc.assert(
      fc.property(recorded, fc.boolean(), (event, asText) => {
        const id = asText ? new shared.UUID().setString(event.id) : structured(event.id);
        const read = new ReadEvent().setEvent(eventMessage(event, id));
        expect(decoded(new ReadResp().setEvent(read))).to.deep.equal({ event });
      }),
    );
  });

  it('holds both halves of the position of a checkpoint', () => {
    const checkpoint = new ReadResp.Checkpoint()
      .setCommitPosition('18446744073709551615')
      .setPreparePosition('9007199254740993');
    expect(decoded(new ReadResp().setCheckpoint(checkpoint))).to.deep.equal({
      checkpoint: { commit: 18446744073709551615n, prepare: 9007199254740993n },
    });
  });

  it('tells that the subscription has caught up', () => {
    const message = new ReadResp().setCaughtUp(new ReadResp.CaughtUp());
    expect(decoded(message)).to.deep.equal({ hasCaughtUp: true });
  });

  it('holds nothing where there is no event', () => {
    const confirmed = new ReadResp.SubscriptionConfirmation().setSubscriptionId('one');
    for (const message of [
      new ReadResp().setConfirmation(confirmed),
      new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound()),
      new ReadResp().setEvent(new ReadEvent()),
    ]) {
      expect(decoded(message)).to.deep.equal({});
    }
  });
});
