import { expect } from 'chai';
import { createClient } from 'graphql-sse';
import type { AnimeDocument, ReadStore } from '../../src/ports/read-store.js';
import type { QueryApiOptions } from '../../src/query-side/graphql/query-api.js';
import { animeId } from '../support/examples.js';
import { openEventStream, type EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { inMemoryEventStore } from '../support/in-memory-event-store.js';
import { expectProblem, serveQueryApi } from '../support/query-api.js';
import { aBatch, anAnimeDocument, openTemporaryReadStore } from '../support/read-store.js';

const CLICKS = 'subscription { animeStats(animeId: 1) { totalClicks } }';
const TOP = 'subscription { topAnimesByViews(limit: 1) { animeId totalViews } }';
const EVENTS = 'subscription { events { type revision data } }';
const PIPELINE = 'subscription { pipeline { status } }';

const stats = (totalClicks: number) => ({ animeStats: { totalClicks } });
const clicked = (clicks: number) =>
  anAnimeDocument({ animeId: animeId(1), clicks, revision: clicks });

describe('a subscription over server-sent events', () => {
  let api: Awaited<ReturnType<typeof serveQueryApi>> & {
    readonly save: (animes: readonly AnimeDocument[]) => Promise<unknown>;
  };
  let listeners: number;
  const streams: EventStream[] = [];

  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.leave();
    await api.stop();
  });

  const given = async (options: Partial<QueryApiOptions> = {}) => {
    listeners = 0;
    const { store, stop } = await openTemporaryReadStore();
    await store.createVersion('v1', 'log');
    const save = (animes: readonly AnimeDocument[]) =>
      store.documents('v1').save(aBatch({ animes }));
    await save([clicked(1)]);
    const onChanged: ReadStore['onChanged'] = (listener) => {
      listeners += 1;
      const remove = store.onChanged(listener);
      return () => {
        listeners -= 1;
        remove();
      };
    };
    const served = await serveQueryApi({ readStore: { ...store, onChanged }, ...options });
    const stopAll = async () => {
      await served.stop();
      await stop();
    };
    api = { ...served, save, stop: stopAll };
  };

  const at = (query: string) => `${api.url}/stream?query=${encodeURIComponent(query)}`;

  const subscribe = async (query: string, init: RequestInit = {}): Promise<EventStream> => {
    const stream = await openEventStream(at(query), init);
    streams.push(stream);
    return stream;
  };

  const openSubscriptions = async () => {
    const { values } = await api.metrics.subscriptions.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };

  it('sends the present value at once, and the next one when documents are saved', async () => {
    await given();
    const stream = await subscribe(CLICKS);
    expect(await stream.data(1)).to.deep.equal([stats(1)]);
    await api.save([clicked(2)]);
    expect(await stream.data(2)).to.deep.equal([stats(1), stats(2)]);
  });

  it('takes a POST with variables, too, and sends null for an unknown anime', async () => {
    await given();
    const stream = await openEventStream(`${api.url}/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: 'subscription S($id: Int!) { animeStats(animeId: $id) { totalClicks } }',
        variables: { id: 7 },
      }),
    });
    streams.push(stream);
    expect(await stream.data(1)).to.deep.equal([{ animeStats: null }]);
  });

  it('tells browsers and proxies not to keep, compress or collect messages', async () => {
    await given();
    const stream = await subscribe(CLICKS);
    const { response } = stream;
    expect(response.headers.get('content-type')).to.equal('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).to.equal('no-store, no-transform');
    expect(response.headers.get('x-accel-buffering')).to.equal('no');
    expect(response.headers.get('content-encoding')).to.equal(null);
    await eventually(() => expect(stream.text()).to.match(/^retry: \d+\n\n/));
  });

  it('is understood by the client of graphql-sse', async () => {
    await given();
    const client = createClient({ url: `${api.url}/stream` });
    const results = client.iterate({ query: CLICKS });
    expect((await results.next()).value).to.deep.equal({ data: stats(1) });
    await results.return?.();
    client.dispose();
    await eventually(async () => expect(await openSubscriptions()).to.equal(0));
  });

  it('merges a hundred saves into at most four messages a second, the last one whole', async () => {
    await given();
    const stream = await subscribe(CLICKS);
    await stream.data(1);
    const startedAt = performance.now();
    for (let clicks = 2; clicks <= 101; clicks += 1) await api.save([clicked(clicks)]);
    const received = await eventually(async () => {
      const all = await stream.data(2);
      expect(all.at(-1)).to.deep.equal(stats(101));
      return all;
    });
    const seconds = (performance.now() - startedAt) / 1000;
    expect(received.length).to.be.at.most(2 + Math.ceil(seconds * 4));
  });

  it('sends a list only when it has changed', async () => {
    await given();
    const stream = await subscribe(TOP);
    expect(await stream.data(1)).to.deep.equal([{ topAnimesByViews: [] }]);
    await api.save([clicked(5)]);
    await api.save([anAnimeDocument({ animeId: animeId(2), views: 3, revision: 1 })]);
    expect(await stream.data(2)).to.deep.equal([
      { topAnimesByViews: [] },
      { topAnimesByViews: [{ animeId: 2, totalViews: 3 }] },
    ]);
  });

  it('refreshes the pipeline', async () => {
    await given();
    const stream = await subscribe(PIPELINE);
    const healthy = { pipeline: { status: 'healthy' } };
    expect(await stream.data(2)).to.deep.equal([healthy, healthy]);
  });

  it('leaves no listener behind when clients have gone', async () => {
    await given();
    const open = await Promise.all(
      [CLICKS, CLICKS, TOP, PIPELINE].map((query) => subscribe(query)),
    );
    await Promise.all(open.map((stream) => stream.data(1)));
    expect(await openSubscriptions()).to.equal(4);
    expect(listeners).to.equal(1);
    for (const stream of open) stream.leave();
    await eventually(async () => expect(await openSubscriptions()).to.equal(0));
    expect(listeners).to.equal(0);
  });

  it('ends all streams at once when the service closes, and refuses new ones', async () => {
    const closing = new AbortController();
    await given({ closing: closing.signal });
    const stream = await subscribe(CLICKS);
    await stream.data(1);
    closing.abort();
    await eventually(() => expect(stream.hasEnded()).to.equal(true));
    // A client that read "complete" would not connect again.
    expect(stream.messages().map(({ event }) => event)).not.to.include('complete');
    await expectProblem(await fetch(at(CLICKS)), 503, /stopping/);
  });

  it('is refused beyond the maximum, until another one ends', async () => {
    await given({ maxSubscriptions: 1 });
    const first = await subscribe(CLICKS);
    const refused = await fetch(at(CLICKS));
    expect(refused.headers.get('retry-after')).to.equal('10');
    await expectProblem(refused, 503, /too many/);
    first.leave();
    await eventually(async () => {
      const next = await subscribe(CLICKS);
      expect(next.response.status).to.equal(200);
    });
  });

  it('is held to the limits of queries, and says in one message what is wrong', async () => {
    await given();
    const codeOf = async (query: string) => {
      const stream = await subscribe(query);
      await eventually(() => expect(stream.hasEnded()).to.equal(true));
      const [message, end] = stream.messages();
      expect(end?.event).to.equal('complete');
      return message?.data?.errors?.[0]?.extensions?.['code'];
    };
    const aliases = Array.from({ length: 16 }, (_, n) => `a${n}: totalClicks`).join(' ');
    expect(await codeOf(`subscription { animeStats(animeId: 1) { ${aliases} } }`)).to.equal(
      'ALIASES_LIMIT_EXCEEDED',
    );
    expect(await codeOf('subscription { nothing }')).to.equal('GRAPHQL_VALIDATION_FAILED');
    expect(await codeOf('{ genres }')).to.equal('BAD_REQUEST');
    expect(await codeOf('subscription { topAnimesByViews(limit: 0) { animeId } }')).to.equal(
      'BAD_USER_INPUT',
    );
    expect(await codeOf(EVENTS)).to.equal('EVENTS_NOT_AVAILABLE');
    expect((await fetch(`${api.url}/stream`)).status).to.equal(400);
  });

  it('needs a reader key for pipeline and events where keys are set', async () => {
    await given({ readerKeys: ['reader-key'], events: inMemoryEventStore() });
    for (const query of [PIPELINE, EVENTS]) {
      const refused = await subscribe(query);
      await eventually(() => expect(refused.messages()).to.have.length(2));
      expect(refused.messages()[0]?.data?.errors?.[0]?.extensions).to.deep.equal({
        code: 'UNAUTHENTICATED',
      });
      await subscribe(query, { headers: { 'x-api-key': 'reader-key' } });
    }
    await eventually(async () => expect(await openSubscriptions()).to.equal(2));
  });
});
