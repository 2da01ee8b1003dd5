import {
  binaryEvent,
  jsonEvent,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  WrongExpectedVersionError,
  type AppendExpectedRevision,
  type AppendResult,
  type EventData,
} from '@eventstore/db-client';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { rejectionOf } from '../../support/rejection-of.js';

const event = (id: string = randomUUID()): EventData =>
  jsonEvent({ id, type: 'ClickRegistered', data: { animeId: 1 } });

const events = (count: number): EventData[] => Array.from({ length: count }, () => event());

for (const [flavour, batchAppend] of [
  ['one long call for all appends', true],
  ['one call per append', false],
] as const) {
  describe(`appending over gRPC, ${flavour}`, () => {
    let node: GrpcNode;
    let stream: string;

    before(async () => {
      node = await openGrpcNode({ features: { batchAppend } });
    });
    after(() => node.stop());
    beforeEach(() => {
      stream = `anime-${randomUUID()}`;
    });

    const append = (
      expectedRevision: AppendExpectedRevision,
      ...batch: EventData[]
    ): Promise<AppendResult> => node.client.appendToStream(stream, batch, { expectedRevision });

    const stored = async (): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { event } of node.client.readStream(stream)) ids.push(event?.id ?? '');
      return ids;
    };

    const expectConflict = async (
      appending: Promise<unknown>,
      expected: AppendExpectedRevision,
      actual: bigint | 'no_stream',
    ): Promise<void> => {
      const error = await rejectionOf(appending);
      expect(error).to.be.instanceOf(WrongExpectedVersionError);
      expect(error).to.deep.include({
        streamName: stream,
        expectedVersion: expected,
        actualVersion: actual,
      });
    };

    it('returns the revision and the position of the last event', async () => {
      const [first, second] = [event(), event()];
      const result = await append('no_stream', first, second);
      expect(result.success).to.equal(true);
      expect(result.nextExpectedRevision).to.equal(1n);
      const [read] = node.log.readStream(stream, 1n, 'forwards', 1).kind === 'events' ? [1] : [];
      expect(read).to.equal(1);
      expect(result.position?.commit).to.equal(node.log.lastPosition());
      expect(result.position?.prepare).to.equal(result.position?.commit);
      expect(await stored()).to.deep.equal([first.id, second.id]);
    });

    for (const expected of ['any', 'no_stream'] as const) {
      it(`creates a stream where ${expected} is expected`, async () => {
        expect(await append(expected, event())).to.include({ nextExpectedRevision: 0n });
      });
    }

    for (const expected of ['any', 'stream_exists', 0n] as const) {
      it(`appends the next event where ${expected} is expected`, async () => {
        await append('no_stream', event());
        expect(await append(expected, event())).to.include({ nextExpectedRevision: 1n });
      });
    }

    it('refuses a stream that exists where none is expected', async () => {
      await append('no_stream', ...events(2));
      await expectConflict(append('no_stream', event()), 'no_stream', 1n);
      expect(await stored()).to.have.length(2);
    });

    for (const expected of ['stream_exists', 0n, 5n] as const) {
      it(`refuses a stream that does not exist where ${expected} is expected`, async () => {
        await expectConflict(append(expected, event()), expected, 'no_stream');
      });
    }

    for (const expected of [0n, 7n] as const) {
      it(`refuses a stream at revision 2 where ${expected} is expected`, async () => {
        await append('no_stream', ...events(3));
        await expectConflict(append(expected, event()), expected, 2n);
      });
    }

    it('returns the first result for a repeat with the same ids and writes nothing', async () => {
      const batch = events(2);
      await append('no_stream', event());
      const first = await append(0n, ...batch);
      await append(2n, event());
      expect(await append(0n, ...batch)).to.deep.equal(first);
      expect(await stored()).to.have.length(4);
    });

    it('refuses a repeat in which a later id differs', async () => {
      const [first, second] = [event(), event()];
      await append('no_stream', first, second);
      await expectConflict(append('no_stream', first, event()), 'no_stream', 1n);
    });

    it('recognises a recent repeat where any revision is expected', async () => {
      const batch = events(2);
      const first = await append('any', ...batch);
      expect(await append('any', ...batch)).to.deep.equal(first);
      expect(await stored()).to.have.length(2);
    });

    it('succeeds without events and writes nothing', async () => {
      const result = await append('any');
      expect(result).to.include({ success: true, nextExpectedRevision: 0n });
      expect(result.position).to.equal(undefined);
      expect(node.log.head(stream)).to.equal('no_stream');
    });

    it('refuses an append of more than a megabyte and keeps the stream as it was', async () => {
      const half = () => binaryEvent({ type: 'Blob', data: Buffer.alloc(600 * 1024, 1) });
      const error = await rejectionOf(append('any', half(), half()));
      expect(error).to.be.instanceOf(MaxAppendSizeExceededError);
      expect(error).to.include({ maxAppendSize: 1024 * 1024 });
      expect(node.log.head(stream)).to.equal('no_stream');
    });

    it('refuses a single event of several megabytes, sent in parts', async () => {
      const large = binaryEvent({ type: 'Blob', data: Buffer.alloc(5 * 1024 * 1024, 1) });
      const error = await rejectionOf(append('any', event(), large, event()));
      expect(error).to.be.instanceOf(MaxAppendSizeExceededError);
      expect(await append('no_stream', event())).to.include({ nextExpectedRevision: 0n });
    });

    it('accepts an append that is sent in many parts', async () => {
      const batch = events(200);
      const result = await node.client.appendToStream(stream, batch, {
        expectedRevision: 'no_stream',
        batchAppendSize: 1000,
      });
      expect(result).to.include({ nextExpectedRevision: 199n });
      expect(await stored()).to.deep.equal(batch.map(({ id }) => id));
    });

    it('refuses a tombstoned stream', async () => {
      await append('no_stream', event());
      await node.client.tombstoneStream(stream);
      const error = await rejectionOf(append('any', event()));
      expect(error).to.be.instanceOf(StreamDeletedError);
      expect(error).to.include({ streamName: stream });
    });

    it('names a non-ASCII stream in a conflict', async () => {
      stream = ` 銀河-"né"\n${randomUUID()} `;
      await append('no_stream', event());
      await expectConflict(append('no_stream', event()), 'no_stream', 0n);
    });

    it('lets exactly one of many appends at one revision win', async () => {
      await append('no_stream', event());
      const outcomes = await Promise.allSettled(events(50).map((one) => append(0n, one)));
      const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(lost).to.have.length(49);
      for (const { reason } of lost) expect(reason).to.be.instanceOf(WrongExpectedVersionError);
      expect(await stored()).to.have.length(2);
    });

    it('keeps the order in which appends were sent', async () => {
      const batch = events(300);
      await Promise.all(batch.map((one) => append('any', one)));
      expect((await stored()).toSorted()).to.deep.equal(batch.map(({ id }) => id).toSorted());
      if (batchAppend) expect(await stored()).to.deep.equal(batch.map(({ id }) => id));
    });

    it('stores data, metadata and content type unchanged', async () => {
      const data = { text: 'Ünï\u0000cødé 銀河', deep: { nothing: null, list: [1, 'two', {}] } };
      const metadata = { $correlationId: 'c-1' };
      const bytes = Uint8Array.from([0, 255, 254, 1, 128]);
      await append(
        'no_stream',
        jsonEvent({ type: 'Json', data, metadata }),
        binaryEvent({ type: 'Binary', data: bytes }),
      );
      const read = [];
      for await (const { event } of node.client.readStream(stream)) read.push(event);
      expect(read[0]).to.deep.include({ type: 'Json', isJson: true, data, metadata });
      expect(read[1]).to.include({ type: 'Binary', isJson: false });
      expect([...(read[1]?.data as Uint8Array)]).to.deep.equal([...bytes]);
      expect(Date.now() - Number(read[0]?.created)).to.be.within(-1000, 60_000);
    });
  });
}
