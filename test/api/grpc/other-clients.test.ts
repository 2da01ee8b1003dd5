import type { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { jsonEvent, END, START, type StreamMetadata } from '@eventstore/db-client';
import { status, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../support/eventually.js';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { identifier, rawStreams } from '../../support/raw-grpc.js';
import { tcpProxy } from '../../support/tcp-proxy.js';

/** What .NET calls `StreamRevision.None`. */
const NONE = '18446744073709551615';

type Answer = { readonly error: ServiceError } | { readonly response: streams.AppendResp };

/** Requests as Equinox, Emmett and clients in other languages send them. */
describe('the event store port, for clients of other languages', () => {
  let node: GrpcNode;
  let client: StreamsClient;
  let stream: string;
  const appendedTo: string[] = [];

  before(async () => {
    node = await openGrpcNode({
      wrap: (log) => ({
        ...log,
        append: (name, expected, events) => {
          appendedTo.push(name);
          return log.append(name, expected, events);
        },
      }),
    });
    client = rawStreams(node.server.port);
  });
  after(async () => {
    client.close();
    await node.stop();
  });
  beforeEach(() => {
    stream = `cart-${randomUUID()}`;
  });

  const options = (to: string = stream): streams.AppendReq.Options =>
    new streams.AppendReq.Options().setStreamIdentifier(identifier(to));

  const head = (set: (of: streams.AppendReq.Options) => streams.AppendReq.Options) =>
    new streams.AppendReq().setOptions(set(options()));

  interface Event {
    readonly id?: string;
    readonly bytes?: number;
    readonly type?: string;
  }

  const event = (given: Event = {}): streams.AppendReq => {
    const { id = randomUUID(), bytes = 2, type = 'T' } = given;
    const message = new streams.AppendReq.ProposedMessage()
      .setId(new shared.UUID().setString(id))
      .setData(Buffer.alloc(bytes, '1'));
    message.getMetadataMap().set('type', type).set('content-type', 'application/json');
    return new streams.AppendReq().setProposedMessage(message);
  };

  const append = (...requests: readonly streams.AppendReq[]): Promise<Answer> =>
    new Promise((resolve) => {
      const call = client.append((error, response) =>
        resolve(error === null ? { response: response } : { error }),
      );
      for (const request of requests) call.write(request);
      call.end();
    });

  const revisionAfter = async (...requests: readonly streams.AppendReq[]): Promise<string> => {
    const answer = await append(...requests);
    if ('error' in answer) throw answer.error;
    return answer.response.getSuccess()?.getCurrentRevision() ?? 'refused';
  };

  /** An append whose client has not ended its stream. */
  const opened = (from: StreamsClient) => {
    let fail: (error: ServiceError | null) => void = () => undefined;
    const failed = new Promise<ServiceError | null>((resolve) => (fail = resolve));
    const call = from.append((error) => fail(error));
    return { call, failed };
  };

  describe('a classic append', () => {
    for (const fault of ['reset', 'close'] as const) {
      it(`that is cut off writes nothing, at any point (${fault})`, async () => {
        const line = await tcpProxy({ host: '127.0.0.1', port: node.server.port });
        try {
          for (let sent = 1; sent <= 25; sent += 1) {
            // A new client each time: after a cut a client waits for its backoff before it
            // reconnects.
            const far = rawStreams(line.port);
            const name = `cut-${randomUUID()}`;
            const { call, failed } = opened(far);
            const first = new streams.AppendReq().setOptions(
              options(name).setAny(new shared.Empty()),
            );
            const lastId = randomUUID();
            line.set({ kind: 'deaf-from', request: (bytes) => bytes.includes(lastId) });
            call.write(first);
            for (let more = 1; more < sent; more += 1) call.write(event());
            call.write(event({ id: lastId }));
            await eventually(() => expect(line.isSilent()).to.equal(true));
            line[fault]();
            await failed;
            // A later append succeeds, so the server has seen the cut by then.
            await revisionAfter(
              head((of) => of.setAny(new shared.Empty())),
              event(),
            );
            await eventually(() => expect(line.connections()).to.equal(0));
            far.close();
            expect(appendedTo).not.to.include(name);
          }
        } finally {
          await line.stop();
        }
      });
    }

    it('that is refused while the client still sends is answered once all is sent', async () => {
      const large = Array.from({ length: 20 }, () => event({ bytes: 500_000 }));
      const answer = await append(
        head((of) => of.setAny(new shared.Empty())),
        ...large,
      );
      expect(answer).to.have.property('error');
      if (!('error' in answer)) return;
      expect(answer.error.code).to.equal(status.INVALID_ARGUMENT);
      expect(answer.error.metadata.get('exception')).to.deep.equal([
        'maximum-append-size-exceeded',
      ]);
      expect(node.log.head(stream)).to.equal('no_stream');
    });

    it('treats the revision 2^64-1 as no stream', async () => {
      expect(
        await revisionAfter(
          head((of) => of.setRevision(NONE)),
          event(),
        ),
      ).to.equal('0');
      const again = await append(
        head((of) => of.setRevision(NONE)),
        event(),
      );
      expect('response' in again && again.response.hasWrongExpectedVersion()).to.equal(true);
    });

    const ID = '0c9d2c1e-7a8e-4d0f-9f3e-0f5b8f1f7f11';
    for (const [form, text] of [
      ['without dashes', ID.replaceAll('-', '')],
      ['in capitals', ID.toUpperCase()],
      ['in braces', `{${ID}}`],
      ['in parentheses', `(${ID})`],
      ['between blanks', ` ${ID} `],
      [
        'in hexadecimal parts',
        '{0x0c9d2c1e,0x7a8e,0x4d0f,{0x9f,0x3e,0x0f,0x5b,0x8f,0x1f,0x7f,0x11}}',
      ],
    ] as const) {
      it(`accepts an event id ${form}`, async () => {
        await revisionAfter(
          head((of) => of.setAny(new shared.Empty())),
          event({ id: text }),
        );
        const page = node.log.readStream(stream, 'start', 'forwards', 1);
        expect(page.kind === 'events' && page.events[0]?.id).to.equal(ID);
      });
    }

    for (const text of ['0c9d2c1e7a8e-4d0f-9f3e-0f5b8f1f7f11', `{${ID}`, `${ID}0`, '', '0x1']) {
      it(`refuses the event id "${text}"`, async () => {
        const answer = await append(
          head((of) => of.setAny(new shared.Empty())),
          event({ id: text }),
        );
        expect('error' in answer && answer.error.code).to.equal(status.INVALID_ARGUMENT);
      });
    }

    it('accepts stream names and types of thousands of bytes', async () => {
      const name = `long-${'x'.repeat(4000)}`;
      const first = new streams.AppendReq().setOptions(
        options(name).setNoStream(new shared.Empty()),
      );
      expect(await revisionAfter(first, event({ type: 'y'.repeat(4000) }))).to.equal('0');
    });
  });

  it('treats the revision 2^64-1 as no stream in deletes and tombstones', async () => {
    const refused = await new Promise<ServiceError | null>((resolve) => {
      const target = new streams.DeleteReq.Options().setStreamIdentifier(identifier(stream));
      client.delete(new streams.DeleteReq().setOptions(target.setRevision(NONE)), (error) =>
        resolve(error),
      );
    });
    expect(refused?.metadata.get('exception')).to.deep.equal(['wrong-expected-version']);
    const ended = await new Promise<ServiceError | null>((resolve) => {
      const target = new streams.TombstoneReq.Options().setStreamIdentifier(identifier(stream));
      client.tombstone(new streams.TombstoneReq().setOptions(target.setRevision(NONE)), (error) =>
        resolve(error),
      );
    });
    expect(ended).to.equal(null);
  });

  describe('a read of a stream', () => {
    const { Options } = streams.ReadReq;

    const read = (
      from: string,
      { count = '100', backwards = false, compatibility = 1 } = {},
    ): Promise<readonly string[]> =>
      new Promise((resolve, reject) => {
        const of = new Options.StreamOptions().setStreamIdentifier(identifier(stream));
        if (from === 'start') of.setStart(new shared.Empty());
        else if (from === 'end') of.setEnd(new shared.Empty());
        else of.setRevision(from);
        const request = new Options()
          .setStream(of)
          .setCount(count)
          .setNoFilter(new shared.Empty())
          .setControlOption(new Options.ControlOption().setCompatibility(compatibility))
          .setReadDirection(
            backwards ? Options.ReadDirection.BACKWARDS : Options.ReadDirection.FORWARDS,
          );
        const seen: string[] = [];
        client
          .read(new streams.ReadReq().setOptions(request))
          .on('data', (response: streams.ReadResp) => {
            if (response.hasFirstStreamPosition()) {
              seen.push(`first ${response.getFirstStreamPosition()}`);
            } else if (response.hasLastStreamPosition()) {
              seen.push(`last ${response.getLastStreamPosition()}`);
            } else if (response.hasStreamNotFound()) seen.push('not found');
            else seen.push(response.getEvent()?.getEvent()?.getStreamRevision() ?? '?');
          })
          .on('error', reject)
          .on('end', () => resolve(seen));
      });

    const given = async (count: number, metadata?: StreamMetadata): Promise<void> => {
      const events = Array.from({ length: count }, () => jsonEvent({ type: 'T', data: {} }));
      await node.client.appendToStream(stream, events);
      if (metadata !== undefined) await node.client.setStreamMetadata(stream, metadata);
    };

    it('ends with the last position, in both directions', async () => {
      await given(3);
      expect(await read('start')).to.deep.equal(['0', '1', '2', 'last 2']);
      expect(await read('end', { backwards: true })).to.deep.equal(['2', '1', '0', 'last 2']);
    });

    it('that maxCount ended returns the last position of the stream', async () => {
      await given(3);
      expect(await read('start', { count: '1' })).to.deep.equal(['0', 'last 2']);
    });

    it('that finds nothing new returns the last position, so that no client waits for ever', async () => {
      await given(3);
      expect(await read('3')).to.deep.equal(['last 2']);
      expect(await read('99')).to.deep.equal(['first 3', 'last 2']);
    });

    it('that begins before the first visible event returns its revision', async () => {
      await given(100, { truncateBefore: 40 });
      expect(await read('start', { count: '5' })).to.deep.equal([
        ...['first 40', '40', '41', '42', '43', '44'],
        'last 99',
      ]);
      expect((await read('20', { count: '30' }))[0]).to.equal('40');
    });

    it('returns no positions to an older client, nor for a missing stream', async () => {
      expect(await read('start')).to.deep.equal(['not found']);
      await given(1);
      expect(await read('start', { compatibility: 0 })).to.deep.equal(['0']);
    });
  });

  describe('a category', () => {
    const { Options } = streams.ReadReq;
    let category: string;

    beforeEach(async () => {
      category = `c${randomUUID().replaceAll('-', '')}`;
      for (const id of ['1', '2', '1']) {
        await node.client.appendToStream(`${category}-${id}`, jsonEvent({ type: 'T', data: {} }));
      }
    });

    const placeOf = (event: streams.ReadResp.ReadEvent.RecordedEvent | undefined): string => {
      const name = Buffer.from(event?.getStreamIdentifier()?.getStreamName_asU8() ?? '').toString();
      return `${event?.getStreamRevision()}@${name.replace(category, 'c')}`;
    };

    const shown = (response: streams.ReadResp): string => {
      if (response.hasConfirmation()) return 'confirmed';
      if (response.hasCaughtUp()) return 'caught up';
      if (response.hasFirstStreamPosition()) return `first ${response.getFirstStreamPosition()}`;
      if (response.hasLastStreamPosition()) return `last ${response.getLastStreamPosition()}`;
      const found = response.getEvent();
      return `${placeOf(found?.getLink())} -> ${placeOf(found?.getEvent())}`;
    };

    const ask = (
      from: (of: streams.ReadReq.Options.StreamOptions) => unknown,
      what: (options: streams.ReadReq.Options) => unknown,
    ) => {
      const of = new Options.StreamOptions().setStreamIdentifier(identifier(`$ce-${category}`));
      from(of);
      const options = new Options()
        .setStream(of)
        .setResolveLinks(true)
        .setNoFilter(new shared.Empty())
        .setUuidOption(new Options.UUIDOption().setStructured(new shared.Empty()))
        .setControlOption(new Options.ControlOption().setCompatibility(1));
      what(options);
      const seen: string[] = [];
      const call = client.read(new streams.ReadReq().setOptions(options));
      const ended = new Promise<void>((resolve) => call.on('end', resolve).on('error', resolve));
      call.on('data', (response: streams.ReadResp) => seen.push(shown(response)));
      return { seen, ended, cancel: () => call.cancel() };
    };

    it('is read page by page, with the links that lead to its events', async () => {
      const page = ask(
        (of) => of.setRevision('1'),
        (options) => options.setCount('2'),
      );
      await page.ended;
      expect(page.seen).to.deep.equal([...['1@$ce-c -> 0@c-2', '2@$ce-c -> 1@c-1'], 'last 2']);
    });

    it('read beyond its end is empty, and returns the end', async () => {
      const page = ask(
        (of) => of.setRevision('3'),
        (options) => options.setCount('100'),
      );
      await page.ended;
      expect(page.seen).to.deep.equal(['last 2']);
    });

    it('is read backwards from 2^63-1, which is its end', async () => {
      const page = ask(
        (of) => of.setRevision((2n ** 63n - 1n).toString()),
        (options) => options.setCount('1').setReadDirection(Options.ReadDirection.BACKWARDS),
      );
      await page.ended;
      expect(page.seen).to.deep.equal(['2@$ce-c -> 1@c-1', 'last 2']);
    });

    it('can be subscribed to after the last handled link', async () => {
      const subscription = ask(
        (of) => of.setRevision('1'),
        (options) => options.setSubscription(new Options.SubscriptionOptions()),
      );
      const history = ['confirmed', '2@$ce-c -> 1@c-1', 'caught up'];
      await eventually(() => expect(subscription.seen).to.deep.equal(history));
      await node.client.appendToStream(`${category}-3`, jsonEvent({ type: 'T', data: {} }));
      await eventually(() =>
        expect(subscription.seen).to.deep.equal([...history, '3@$ce-c -> 0@c-3']),
      );
      subscription.cancel();
      await subscription.ended;
    });
  });

  describe('a subscription', () => {
    const follow = (subscription: ReturnType<GrpcNode['client']['subscribeToStream']>) => {
      const seen: string[] = [];
      subscription
        .on('data', ({ event: found }) => void seen.push(found?.type ?? '?'))
        .on('error', () => undefined);
      return { seen, stop: () => subscription.unsubscribe() };
    };
    const add = (type: string) => node.client.appendToStream(stream, jsonEvent({ type, data: {} }));

    it('to a soft-deleted stream delivers later events', async () => {
      await add('before');
      await node.client.deleteStream(stream);
      const { seen, stop } = follow(node.client.subscribeToStream(stream, { fromRevision: START }));
      const caughtUp = follow(node.client.subscribeToStream('other', { fromRevision: START }));
      await add('after');
      await eventually(() => expect(seen).to.deep.equal(['after']));
      await Promise.all([stop(), caughtUp.stop()]);
    });

    it('to a stream that is soft-deleted meanwhile continues when it is written to again', async () => {
      await add('before');
      const { seen, stop } = follow(node.client.subscribeToStream(stream, { fromRevision: START }));
      await eventually(() => expect(seen).to.deep.equal(['before']));
      await node.client.deleteStream(stream);
      await add('after');
      await eventually(() => expect(seen).to.deep.equal(['before', 'after']));
      await stop();
    });

    it('from beyond the end of the log delivers new events', async () => {
      const seen: string[] = [];
      const beyond = { commit: 999_999_999_999n, prepare: 999_999_999_999n };
      const all = node.client.subscribeToAll({ fromPosition: beyond });
      const confirmed = new Promise((resolve) => all.once('confirmation', resolve));
      all.on('data', ({ event: found }) => void seen.push(found?.streamId ?? '?'));
      await confirmed;
      await eventually(async () => {
        await add('new');
        expect(seen).to.include(stream);
      });
      await all.unsubscribe();
    });

    it('from the end delivers only new events', async () => {
      await add('before');
      const subscription = node.client.subscribeToStream(stream, { fromRevision: END });
      const { seen, stop } = follow(subscription);
      await new Promise((resolve) => subscription.once('confirmation', resolve));
      await add('after');
      await eventually(() => expect(seen).to.deep.equal(['after']));
      await stop();
    });
  });
});
