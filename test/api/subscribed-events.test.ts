import { connect } from 'node:net';
import { expect } from 'chai';
import type { EventStore, SubscriptionOptions } from '../../src/ports/event-store.js';
import { openEventStream, type EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { inMemoryEventStore } from '../support/in-memory-event-store.js';
import { serveQueryApi, storeThatAnswers } from '../support/query-api.js';

const EVENTS = 'subscription { events { type revision data } }';
/** Of one event: more of them than sockets hold are soon appended. */
const LARGE = 'x'.repeat(250_000);

describe('the subscription to events', () => {
  let api: Awaited<ReturnType<typeof serveQueryApi>>;
  let log: ReturnType<typeof inMemoryEventStore>;
  let following: number;
  let count: number;
  const streams: EventStream[] = [];

  beforeEach(async () => {
    log = inMemoryEventStore();
    following = 0;
    count = 0;
    const events: Pick<EventStore, 'read' | 'head' | 'readAll' | 'subscribeToAll'> = {
      ...log,
      async *subscribeToAll(options: SubscriptionOptions) {
        following += 1;
        try {
          yield* log.subscribeToAll(options);
        } finally {
          following -= 1;
        }
      },
    };
    api = await serveQueryApi({ readStore: storeThatAnswers(), events });
    await append('Before');
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.leave();
    await api.stop();
    await log.close();
  });

  const append = async (...types: string[]) => {
    const expected = count === 0 ? 'no_stream' : BigInt(count - 1);
    const events = types.map((type) => ({
      id: crypto.randomUUID(),
      type,
      data: { n: (count += 1) },
      metadata: {},
    }));
    await log.append('anime-1', expected, events);
  };

  const appendLarge = async () => {
    const expected = count === 0 ? 'no_stream' : BigInt(count - 1);
    count += 1;
    const event = { id: crypto.randomUUID(), type: 'Large', data: { text: LARGE }, metadata: {} };
    await log.append('anime-1', expected, [event]);
  };

  const subscribe = async (query = EVENTS, lastEventId?: string): Promise<EventStream> => {
    const stream = await openEventStream(`${api.url}/stream?query=${encodeURIComponent(query)}`, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    });
    streams.push(stream);
    // The place is known once the log is followed.
    if (lastEventId === undefined) await eventually(() => expect(following).to.be.at.least(1));
    return stream;
  };

  const typesOf = (stream: EventStream): string[] =>
    stream.messages().flatMap(({ data }) => {
      const events = (data?.data?.['events'] ?? []) as readonly { readonly type: string }[];
      return events.map(({ type }) => type);
    });

  it('sends only the newest of a moment where a display asks for them, and no id to resume after', async () => {
    const stream = await subscribe('subscription { events(newest: 2) { type } }');
    await append('One', 'Two', 'Three', 'Four', 'Five');
    await eventually(() => expect(typesOf(stream).at(-1)).to.equal('Five'));
    for (const { id, data } of stream.messages()) {
      expect(data?.data?.['events']).to.have.length.within(1, 2);
      expect(id).to.equal(undefined);
    }
  });

  it('refuses to send more than 100 newest, or none', async () => {
    for (const newest of [0, 101]) {
      const stream = await openEventStream(
        `${api.url}/stream?query=${encodeURIComponent(`subscription { events(newest: ${newest}) { type } }`)}`,
        { headers: {} },
      );
      streams.push(stream);
      await eventually(() => expect(stream.text()).to.contain('newest must be a whole number'));
    }
  });

  it('sends what is appended from now on, in order', async () => {
    const stream = await subscribe();
    await append('One', 'Two');
    await append('Three');
    await eventually(() => expect(typesOf(stream)).to.deep.equal(['One', 'Two', 'Three']));
    expect(stream.messages()[0]?.data?.data)
      .to.have.nested.property('events[0]')
      .that.deep.equals({
        type: 'One',
        revision: '1',
        data: { n: 2 },
      });
  });

  it('sends only the types that were asked for, and never the own events of the store', async () => {
    const all = await subscribe();
    const some = await subscribe('subscription { events(types: ["$own", "Two"]) { type } }');
    await append('One', '$own', 'Two');
    await eventually(() => {
      expect(typesOf(all)).to.deep.equal(['One', 'Two']);
      expect(typesOf(some)).to.deep.equal(['Two']);
    });
  });

  it('resumes after the id of the last message, without a gap or a repeat', async () => {
    const first = await subscribe();
    await append('One');
    await eventually(() => expect(typesOf(first)).to.deep.equal(['One']));
    const id = first.messages().at(-1)?.id;
    first.leave();
    await eventually(() => expect(following).to.equal(0));
    await append('Two', 'Three');
    const second = await subscribe(EVENTS, id);
    await eventually(() => expect(typesOf(second)).to.deep.equal(['Two', 'Three']));
    await append('Four');
    await eventually(() => expect(typesOf(second)).to.deep.equal(['Two', 'Three', 'Four']));
  });

  it('ends with SUBSCRIBER_TOO_SLOW where too many events wait, and resumes with all the others', async () => {
    const stream = await subscribe();
    await append('One');
    await eventually(() => expect(typesOf(stream)).to.deep.equal(['One']));
    const id = stream.messages().at(-1)?.id;
    await append(...Array.from({ length: 4_000 }, () => 'More'));
    await eventually(() => {
      const [last, complete] = stream.messages().slice(-2);
      expect(last?.data?.errors?.[0]?.extensions?.['code']).to.equal('SUBSCRIBER_TOO_SLOW');
      expect(complete?.event).to.equal('complete');
    });
    const resumed = await subscribe(EVENTS, id);
    await eventually(() => expect(typesOf(resumed)).to.have.length(4_000), { withinMs: 10_000 });
    await append('Last');
    await eventually(() => expect(typesOf(resumed).at(-1)).to.equal('Last'));
  }).timeout(20_000);

  it('refuses an id that it did not send', async () => {
    const stream = await subscribe(EVENTS, 'yesterday');
    await eventually(() => {
      const code = stream.messages()[0]?.data?.errors?.[0]?.extensions?.['code'];
      expect(code).to.equal('BAD_USER_INPUT');
    });
  });

  it('follows the log once for all subscribers, and not at all without any', async () => {
    const open = [await subscribe(), await subscribe(), await subscribe()];
    await append('One');
    await eventually(() =>
      open.forEach((stream) => expect(typesOf(stream)).to.deep.equal(['One'])),
    );
    expect(following).to.equal(1);
    for (const stream of open) stream.leave();
    await eventually(() => expect(following).to.equal(0));
  });

  it('holds a bounded number of events for a client that reads nothing, and follows the log no longer', async () => {
    const { hostname, port } = new URL(api.url);
    const stalled = connect(Number(port), hostname).pause();
    stalled.on('error', () => undefined);
    stalled.write(
      `GET /graphql/stream?query=${encodeURIComponent(EVENTS)} HTTP/1.1\r\n` +
        'Host: localhost\r\nAccept: text/event-stream\r\n\r\n',
    );
    const open = async () => {
      const { values } = await api.metrics.subscriptions.get();
      return values.reduce((sum, { value }) => sum + value, 0);
    };
    try {
      await eventually(() => expect(following).to.equal(1));
      let bytes = 0;
      await eventually(
        async () => {
          for (let many = 0; many < 4; many += 1, bytes += LARGE.length) await appendLarge();
          expect(following, `following after ${bytes} bytes`).to.equal(0);
        },
        { withinMs: 15_000 },
      );
      // What the sockets hold, what one message holds and what waits: no more than that.
      expect(bytes).to.be.below(64 * 1024 * 1024);
      stalled.destroy();
      await eventually(async () => expect(await open()).to.equal(0));
    } finally {
      stalled.destroy();
    }
  });
});
