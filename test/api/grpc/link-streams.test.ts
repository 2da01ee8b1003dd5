import {
  AccessDeniedError,
  BACKWARDS,
  END,
  FORWARDS,
  jsonEvent,
  START,
  StreamNotFoundError,
  type EventStoreDBClient,
  type ReadStreamOptions,
  type ResolvedEvent,
  type SubscribeToStreamOptions,
} from '@eventstore/db-client';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../support/eventually.js';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { rejectionOf } from '../../support/rejection-of.js';

const shown = ({ event, link }: ResolvedEvent): string => {
  const target = event === undefined ? 'nothing' : `${event.revision}@${event.streamId}`;
  return link === undefined ? target : `${link.revision}: ${target}`;
};

describe('link streams over gRPC', () => {
  let node: GrpcNode;
  /** Each test has its own category; stream ids follow it. */
  let category: string;

  before(async () => {
    node = await openGrpcNode();
  });
  after(() => node.stop());
  beforeEach(() => {
    category = `c${randomUUID().replaceAll('-', '')}`;
  });

  const append = (id: string, ...types: string[]) =>
    node.client.appendToStream(
      `${category}-${id}`,
      types.map((type) => jsonEvent({ type, data: { id } })),
    );

  const read = async (options: ReadStreamOptions = {}, stream = `$ce-${category}`) => {
    const events: ResolvedEvent[] = [];
    for await (const one of node.client.readStream(stream, options)) events.push(one);
    return events;
  };

  const resolved = async (options: ReadStreamOptions = {}, stream?: string): Promise<string[]> => {
    const events = await read({ resolveLinkTos: true, ...options }, stream);
    return events.map((one) => shown(one).replaceAll(`${category}-`, ''));
  };

  it('of a category are read as its events, in the order of the log', async () => {
    await append('1', 'A');
    await append('2', 'A', 'B');
    await append('1', 'B');
    expect(await resolved()).to.deep.equal(['0: 0@1', '1: 0@2', '2: 1@2', '3: 1@1']);
  });

  it('of a type are read as its events', async () => {
    await append('1', 'A', category);
    await append('2', category);
    expect(await resolved({}, `$et-${category}`)).to.deep.equal(['0: 1@1', '1: 0@2']);
  });

  it('are read as links without resolveLinkTos', async () => {
    await append('1', 'A', 'A');
    const [, second] = await read({ resolveLinkTos: false });
    expect(second?.link).to.equal(undefined);
    expect(second?.event).to.include({ type: '$>', revision: 1n, streamId: `$ce-${category}` });
    expect(Buffer.from(second?.event?.data as Uint8Array).toString()).to.equal(`1@${category}-1`);
  });

  it('are read backwards, from a link on, and a few at a time', async () => {
    await append('1', ...Array.from({ length: 300 }, () => 'A'));
    const numbers = async (options: ReadStreamOptions) =>
      (await read({ resolveLinkTos: true, ...options })).map(({ link }) => Number(link?.revision));
    const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
    expect(await numbers({ direction: FORWARDS, fromRevision: START })).to.deep.equal(upTo(300));
    expect(await numbers({ direction: BACKWARDS, fromRevision: END })).to.deep.equal(
      upTo(300).reverse(),
    );
    expect(await numbers({ fromRevision: 298n })).to.deep.equal([298, 299]);
    expect(await numbers({ fromRevision: 100n, maxCount: 3 })).to.deep.equal([100, 101, 102]);
    expect(await numbers({ direction: BACKWARDS, fromRevision: 1n, maxCount: 5 })).to.deep.equal([
      1, 0,
    ]);
  });

  it('contain everything appended before the read', async () => {
    for (let n = 0; n < 20; n += 1) {
      await append(String(n % 3), 'A');
      expect(await read()).to.have.lengthOf(n + 1);
    }
  });

  it('keep links to hidden or deleted events, which resolve to nothing', async () => {
    await append('kept', 'A', 'A');
    await append('soft', 'A');
    await append('ended', 'A');
    await node.client.setStreamMetadata(`${category}-kept`, { maxCount: 1 });
    await node.client.deleteStream(`${category}-soft`);
    await node.client.tombstoneStream(`${category}-ended`);
    expect(await resolved()).to.deep.equal([
      ...['0: nothing', '1: 1@kept', '2: nothing', '3: nothing', '4: 0@$$soft', '5: nothing'],
    ]);
  });

  it('do not exist before an event belongs to them', async () => {
    for (const stream of [`$ce-${category}`, `$et-${category}`]) {
      expect(await rejectionOf(read({}, stream))).to.be.instanceOf(StreamNotFoundError);
    }
  });

  it('write nothing to $all', async () => {
    await append('1', 'A');
    await read();
    const streams: (string | undefined)[] = [];
    for await (const { event } of node.client.readAll()) streams.push(event?.streamId);
    expect(streams.filter((stream) => stream?.startsWith('$ce-'))).to.deep.equal([]);
  });

  it('can be the target of other links', async () => {
    await append('1', 'A', 'A');
    await read();
    const [link] = [randomUUID()];
    const event = { id: link, type: '$>', metadata: new Uint8Array(), isJson: false };
    await node.log.append(link, 'any', [{ ...event, data: Buffer.from(`1@$ce-${category}`) }]);
    expect(await resolved({}, link)).to.deep.equal([`0: 1@$ce-${category}`]);
  });

  describe('subscribed to', () => {
    const follow = (options: SubscribeToStreamOptions) => {
      const said: string[] = [];
      const subscription = node.client
        .subscribeToStream(`$ce-${category}`, { resolveLinkTos: true, ...options })
        .on('confirmation', () => said.push('confirmed'))
        .on('caughtUp', () => said.push('caught up'))
        .on('data', (one) => void said.push(shown(one).replaceAll(`${category}-`, '')));
      const says = (...expected: string[]) =>
        eventually(() => expect(said).to.deep.equal(['confirmed', ...expected]));
      return { says, stop: () => subscription.unsubscribe() };
    };

    it('deliver history, caught-up, and live events', async () => {
      await append('1', 'A', 'A');
      const one = follow({ fromRevision: START });
      await one.says('0: 0@1', '1: 1@1', 'caught up');
      await append('2', 'A');
      await one.says('0: 0@1', '1: 1@1', 'caught up', '2: 0@2');
      await one.stop();
    });

    it('start after a link, and from the end', async () => {
      await append('1', 'A', 'A', 'A');
      const after = follow({ fromRevision: 1n });
      const end = follow({ fromRevision: END });
      await Promise.all([after.says('2: 2@1', 'caught up'), end.says('caught up')]);
      await append('2', 'A');
      await after.says('2: 2@1', 'caught up', '3: 0@2');
      await end.says('caught up', '3: 0@2');
      await Promise.all([after.stop(), end.stop()]);
    });

    it('wait for a link stream that does not exist yet', async () => {
      const one = follow({ fromRevision: START });
      await one.says('caught up');
      await append('1', 'A');
      await one.says('caught up', '0: 0@1');
      await one.stop();
    });
  });

  describe('reject writes:', () => {
    const one = jsonEvent({ type: 'A', data: {} });
    const credentials = { username: 'admin', password: 'changeit' };
    const writes: Readonly<
      Record<string, (client: EventStoreDBClient, stream: string) => Promise<unknown>>
    > = {
      'an append': (client, stream) => client.appendToStream(stream, one),
      'a classic append': (client, stream) => client.appendToStream(stream, one, { credentials }),
      'a soft delete': (client, stream) => client.deleteStream(stream),
      'a tombstone': (client, stream) => client.tombstoneStream(stream),
      metadata: (client, stream) => client.setStreamMetadata(stream, { maxCount: 1 }),
    };
    for (const [what, write] of Object.entries(writes)) {
      for (const prefix of ['$ce-', '$et-']) {
        it(`${what} to ${prefix} is denied`, async () => {
          await append('1', category);
          const stream = prefix + category;
          expect(await rejectionOf(write(node.client, stream))).to.be.instanceOf(AccessDeniedError);
          expect(await resolved({}, stream)).to.deep.equal(['0: 0@1']);
        });
      }
    }
  });
});
