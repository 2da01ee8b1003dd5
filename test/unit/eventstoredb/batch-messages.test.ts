import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { expect } from 'chai';
import fc from 'fast-check';
import { batchRequest, batchResponse } from '../../../src/adapters/eventstoredb/batch-messages.js';

const ID = '0c2a1e5e-6f0a-4d7e-9f39-1a3b5c7d9e0f';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 });

const append = fc.record({
  stream: text,
  expected: fc.oneof(
    fc.constant('no_stream' as const),
    fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
  ),
  events: fc.array(
    fc.record({ id: fc.uuid(), type: text, data: bytes, metadata: bytes, isJson: fc.boolean() }),
    { maxLength: 5 },
  ),
});

describe('the messages of a batch append', () => {
  it('are read by google-protobuf as they were written', () => {
    fc.assert(
      fc.property(append, fc.uuid(), (sent, id) => {
        const read = streams.BatchAppendReq.deserializeBinary(batchRequest(id, sent));
        const options = read.getOptions();
        expect(read.getCorrelationId()?.getString()).to.equal(id);
        expect(read.getIsFinal()).to.equal(true);
        expect(options?.getStreamIdentifier()?.getStreamName_asU8()).to.deep.equal(
          new TextEncoder().encode(sent.stream),
        );
        expect(
          options?.hasNoStream() === true ? 'no_stream' : options?.getStreamPosition(),
        ).to.equal(sent.expected.toString());
        const events = read.getProposedMessagesList().map((event) => ({
          id: event.getId()?.getString(),
          type: event.getMetadataMap().get('type'),
          data: event.getData_asU8(),
          metadata: event.getCustomMetadata_asU8(),
          isJson: event.getMetadataMap().get('content-type') === 'application/json',
        }));
        expect(events).to.deep.equal(sent.events);
      }),
    );
  });

  it('give an append a day and no more for clocks that differ', () => {
    const sent = batchRequest(ID, { stream: 's', expected: 'no_stream', events: [] });
    const deadline = streams.BatchAppendReq.deserializeBinary(sent).getOptions()?.getDeadline();
    const hours = ((deadline?.toDate().getTime() ?? 0) - Date.now()) / 3_600_000;
    expect(hours).to.be.closeTo(24, 0.1);
  });

  it('carry revisions and positions of 64 bits', () => {
    const place = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(fc.uuid(), place, place, place, (id, revision, commit, prepare) => {
        const position = new shared.AllStreamPosition()
          .setCommitPosition(commit.toString())
          .setPreparePosition(prepare.toString());
        const success = new streams.BatchAppendResp.Success()
          .setCurrentRevision(revision.toString())
          .setPosition(position);
        const sent = new streams.BatchAppendResp()
          .setCorrelationId(new shared.UUID().setString(id))
          .setStreamIdentifier(new shared.StreamIdentifier().setStreamName('c3RyZWFt'))
          .setSuccess(success);
        const { correlationId, ...rest } = batchResponse(Buffer.from(sent.serializeBinary()));
        expect(correlationId).to.equal(id);
        expect(rest).to.deep.equal({
          success: { revision, position: { commit, prepare } },
          error: undefined,
        });
      }),
    );
  });

  it('carry the error of an append, and no position where there is none', () => {
    const sent = new streams.BatchAppendResp()
      .setCorrelationId(new shared.UUID().setString(ID))
      .setError(new statuses.Status().setMessage('WrongExpectedVersion'));
    const { error, success } = batchResponse(Buffer.from(sent.serializeBinary()));
    expect(error?.getMessage()).to.equal('WrongExpectedVersion');
    expect(success).to.equal(undefined);
    const repeated = new streams.BatchAppendResp().setSuccess(
      new streams.BatchAppendResp.Success().setCurrentRevision('7'),
    );
    expect(batchResponse(Buffer.from(repeated.serializeBinary())).success).to.deep.equal({
      revision: 7n,
      position: undefined,
    });
  });

  it('are refused where they end too early', () => {
    for (const bytes of [[0x1a], [0x1a, 0x02, 0x08], [0x08, 0x80], [0x0b]]) {
      expect(() => batchResponse(Buffer.from(bytes))).to.throw(RangeError, 'out of range');
    }
  });
});
