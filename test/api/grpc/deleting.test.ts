import {
  jsonEvent,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
  type DeleteResult,
} from '@eventstore/db-client';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { rejectionOf } from '../../support/rejection-of.js';

describe('deleting and metadata over gRPC', () => {
  let node: GrpcNode;
  let stream: string;

  before(async () => {
    node = await openGrpcNode();
  });
  after(() => node.stop());
  beforeEach(() => {
    stream = `anime-${randomUUID()}`;
  });

  const append = (count: number, expectedRevision: 'any' | 'no_stream' | bigint = 'any') =>
    node.client.appendToStream(
      stream,
      Array.from({ length: count }, () => jsonEvent({ type: 'Clicked', data: {} })),
      { expectedRevision },
    );

  const revisions = async (): Promise<bigint[]> => {
    const read: bigint[] = [];
    for await (const { event } of node.client.readStream(stream)) read.push(event?.revision ?? -1n);
    return read;
  };

  describe('softly', () => {
    it('hides the stream and returns its position', async () => {
      await append(2);
      const { position } = await node.client.deleteStream(stream, { expectedRevision: 1n });
      expect(position?.commit).to.equal(node.log.lastPosition());
      expect(await rejectionOf(revisions())).to.be.instanceOf(StreamNotFoundError);
    });

    it('continues the revisions when the stream is written to again', async () => {
      await append(2);
      await node.client.deleteStream(stream);
      expect(await append(1, 'no_stream')).to.include({ nextExpectedRevision: 2n });
      expect(await revisions()).to.deep.equal([2n]);
    });

    it('may be repeated', async () => {
      await append(1);
      await node.client.deleteStream(stream);
      await node.client.deleteStream(stream);
      expect(await rejectionOf(revisions())).to.be.instanceOf(StreamNotFoundError);
    });
  });

  for (const [how, remove] of [
    ['deleteStream', (options) => node.client.deleteStream(stream, options)],
    ['tombstoneStream', (options) => node.client.tombstoneStream(stream, options)],
  ] as readonly [
    string,
    (options: { expectedRevision: bigint | 'no_stream' }) => Promise<DeleteResult>,
  ][]) {
    it(`${how} refuses another revision than expected, and says which`, async () => {
      await append(3);
      const error = await rejectionOf(remove({ expectedRevision: 7n }));
      expect(error).to.be.instanceOf(WrongExpectedVersionError);
      expect(error).to.include({ streamName: stream, expectedVersion: 7n, actualVersion: 2n });
      expect(await revisions()).to.have.length(3);
    });

    it(`${how} refuses a revision of a stream that does not exist`, async () => {
      const error = await rejectionOf(remove({ expectedRevision: 0n }));
      expect(error).to.be.instanceOf(WrongExpectedVersionError);
      expect(error).to.include({ expectedVersion: 0n, actualVersion: -1n });
    });
  }

  it('refuses to soft-delete a stream that never existed, whatever is expected', async () => {
    const error = await rejectionOf(node.client.deleteStream(stream));
    expect(error).to.be.instanceOf(WrongExpectedVersionError);
    expect(error).to.include({ expectedVersion: -2n, actualVersion: -1n });
  });

  describe('for ever', () => {
    it('ends a stream', async () => {
      await append(1);
      const { position } = await node.client.tombstoneStream(stream);
      expect(position?.commit).to.equal(node.log.lastPosition());
      expect(await rejectionOf(revisions())).to.be.instanceOf(StreamDeletedError);
      expect(await rejectionOf(append(1))).to.be.instanceOf(StreamDeletedError);
      expect(await rejectionOf(node.client.deleteStream(stream))).to.be.instanceOf(
        StreamDeletedError,
      );
    });

    it('ends a stream that never existed', async () => {
      await node.client.tombstoneStream(stream);
      expect(await rejectionOf(append(1))).to.be.instanceOf(StreamDeletedError);
    });
  });

  describe('metadata', () => {
    it('is returned with custom keys', async () => {
      const metadata = { maxCount: 3, truncateBefore: 1, team: 'read models' };
      await node.client.setStreamMetadata(stream, metadata, { expectedRevision: 'no_stream' });
      const read = await node.client.getStreamMetadata(stream);
      expect(read).to.deep.include({ streamName: stream, metadata });
    });

    it('is undefined where it was never set', async () => {
      expect(await node.client.getStreamMetadata(stream)).to.deep.equal({ streamName: stream });
    });

    it('hides all but the last events by count', async () => {
      await node.client.setStreamMetadata(stream, { maxCount: 2 });
      await append(5);
      expect(await revisions()).to.deep.equal([3n, 4n]);
    });

    it('hides events before a revision', async () => {
      await append(5);
      await node.client.setStreamMetadata(stream, { truncateBefore: 4 });
      expect(await revisions()).to.deep.equal([4n]);
    });

    it('is refused at another revision than expected', async () => {
      await node.client.setStreamMetadata(stream, { maxCount: 2 });
      const error = await rejectionOf(
        node.client.setStreamMetadata(stream, { maxCount: 3 }, { expectedRevision: 5n }),
      );
      expect(error).to.be.instanceOf(WrongExpectedVersionError);
      expect(error).to.include({ actualVersion: 0n });
    });
  });
});
