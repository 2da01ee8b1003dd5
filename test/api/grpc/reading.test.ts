import {
  BACKWARDS,
  END,
  FORWARDS,
  jsonEvent,
  START,
  StreamDeletedError,
  StreamNotFoundError,
  UnknownError,
  type ReadStreamOptions,
  type ResolvedEvent,
} from '@eventstore/db-client';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { rejectionOf } from '../../support/rejection-of.js';

describe('reading over gRPC', () => {
  let node: GrpcNode;
  let stream: string;

  before(async () => {
    node = await openGrpcNode();
  });
  after(() => node.stop());
  beforeEach(() => {
    stream = `anime-${randomUUID()}`;
  });

  const given = (count: number, name = stream) =>
    node.client.appendToStream(
      name,
      Array.from({ length: count }, (_, number) =>
        jsonEvent({ type: 'Numbered', data: { number } }),
      ),
    );

  const collect = async (reading: AsyncIterable<ResolvedEvent>): Promise<ResolvedEvent[]> => {
    const read: ResolvedEvent[] = [];
    for await (const resolved of reading) read.push(resolved);
    return read;
  };

  const revisions = async (options: ReadStreamOptions): Promise<number[]> =>
    (await collect(node.client.readStream(stream, options))).map(({ event }) =>
      Number(event?.revision),
    );

  const range = (from: number, to: number): number[] =>
    from <= to
      ? Array.from({ length: to - from + 1 }, (_, step) => from + step)
      : range(to, from).reverse();

  it('reads a long stream completely, in order', async () => {
    await given(1000);
    expect(await revisions({})).to.deep.equal(range(0, 999));
  });

  for (const [what, options, expected] of [
    ['from its start', { fromRevision: START, maxCount: 3 }, [0, 1, 2]],
    ['from a revision', { fromRevision: 4n, maxCount: 3 }, [4, 5, 6]],
    ['up to its end', { fromRevision: 8n, maxCount: 100 }, [8, 9]],
    ['beyond its end', { fromRevision: 10n }, []],
    ['beyond every end', { fromRevision: 2n ** 64n - 1n }, []],
    ['backwards from its end', { direction: BACKWARDS, fromRevision: END, maxCount: 2 }, [9, 8]],
    ['backwards from a revision', { direction: BACKWARDS, fromRevision: 3n }, [3, 2, 1, 0]],
    ['backwards from its start', { direction: BACKWARDS, fromRevision: START }, [0]],
    ['backwards from beyond', { direction: BACKWARDS, fromRevision: 99n, maxCount: 1 }, [9]],
  ] as const) {
    it(`reads a stream ${what}`, async () => {
      await given(10);
      expect(await revisions(options)).to.deep.equal(expected);
    });
  }

  for (const [what, options] of [
    ['forwards from the end of a stream', { fromRevision: END }],
    ['no events, forwards', { direction: FORWARDS, maxCount: 0 }],
    ['no events, backwards', { direction: BACKWARDS, maxCount: 0 }],
  ] as const) {
    it(`refuses to read ${what}`, async () => {
      await given(1);
      const error = await rejectionOf(revisions(options));
      expect(error).to.be.instanceOf(UnknownError);
      expect(error).to.include({ code: 2 });
    });
  }

  it('refuses a position whose prepare position is above its commit position', async () => {
    const fromPosition = { commit: 5n, prepare: 50n };
    const error = await rejectionOf(collect(node.client.readAll({ fromPosition })));
    expect(error).to.include({ code: 3 });
  });

  it('reports a missing stream', async () => {
    const error = await rejectionOf(revisions({}));
    expect(error).to.be.instanceOf(StreamNotFoundError);
    expect(error).to.include({ streamName: stream });
  });

  it('reports a tombstoned stream', async () => {
    stream = `銀河-${randomUUID()}`;
    await given(1);
    await node.client.tombstoneStream(stream);
    const error = await rejectionOf(revisions({}));
    expect(error).to.be.instanceOf(StreamDeletedError);
    expect(decodeURIComponent((error as StreamDeletedError).streamName)).to.equal(stream);
  });

  it('reads all streams forwards from a position, inclusive', async () => {
    const { position } = await given(1);
    await given(2);
    if (position === undefined) throw new Error('No position.');
    const read = await collect(node.client.readAll({ fromPosition: position, maxCount: 3 }));
    expect(read.map(({ event }) => event?.revision)).to.deep.equal([0n, 1n, 2n]);
    expect(read[0]?.event?.position).to.deep.equal(position);
    expect(read[0]?.commitPosition).to.equal(position.commit);
  });

  it('reads all streams backwards from a position, exclusive', async () => {
    await given(1);
    const { position } = await given(1);
    if (position === undefined) throw new Error('No position.');
    const read = await collect(
      node.client.readAll({ direction: BACKWARDS, fromPosition: position, maxCount: 1 }),
    );
    expect(read.map(({ event }) => event?.revision)).to.deep.equal([0n]);
  });

  it('reads all streams the same in both directions', async () => {
    await given(300);
    const ids = (read: readonly ResolvedEvent[]) => read.map(({ event }) => event?.id);
    const forwards = await collect(node.client.readAll());
    const backwards = await collect(
      node.client.readAll({ direction: BACKWARDS, fromPosition: END }),
    );
    expect(forwards.length).to.be.at.least(300);
    expect(ids(backwards)).to.deep.equal(ids(forwards).reverse());
    expect(await collect(node.client.readAll({ fromPosition: END }))).to.deep.equal([]);
  });

  describe('links', () => {
    const link = (target: string) =>
      node.log.append(stream, 'any', [
        {
          id: randomUUID(),
          type: '$>',
          data: Buffer.from(target),
          metadata: new Uint8Array(),
          isJson: false,
        },
      ]);

    const read = async (resolveLinkTos: boolean) =>
      (await collect(node.client.readStream(stream, { resolveLinkTos })))[0];

    it('resolve to their event with resolveLinkTos', async () => {
      const target = `target-${randomUUID()}`;
      await given(3, target);
      await link(`1@${target}`);
      const resolved = await read(true);
      expect(resolved?.event).to.include({ streamId: target, revision: 1n });
      expect(resolved?.link).to.include({ streamId: stream, revision: 0n, type: '$>' });
      expect(resolved?.commitPosition).to.equal(node.log.lastPosition());
    });

    it('stay links without resolveLinkTos', async () => {
      const target = `target-${randomUUID()}`;
      await given(3, target);
      await link(`1@${target}`);
      const resolved = await read(false);
      expect(resolved?.event).to.include({ streamId: stream, type: '$>' });
      expect(resolved?.link).to.equal(undefined);
    });

    for (const noLink of ['no link', '"1@target"', '99999999999999999999@x', '@', '']) {
      it(`are ordinary events where "${noLink}" has no revision`, async () => {
        await link(noLink);
        const resolved = await read(true);
        expect(resolved?.event).to.include({ streamId: stream, type: '$>' });
        expect(resolved?.link).to.equal(undefined);
      });
    }

    for (const nowhere of ['7@missing', '1@', '1']) {
      it(`are returned without an event where "${nowhere}" does not exist`, async () => {
        await link(nowhere);
        const resolved = await read(true);
        expect(resolved?.event).to.equal(undefined);
        expect(resolved?.link).to.include({ streamId: stream, type: '$>' });
      });
    }
  });

  it('releases a reader that cancels halfway', async () => {
    await given(2000);
    const reading = node.client.readStream(stream);
    for await (const { event } of reading) if (event?.revision === 10n) break;
    await reading.cancel();
    expect(await revisions({ maxCount: 1 })).to.deep.equal([0]);
  });
});
