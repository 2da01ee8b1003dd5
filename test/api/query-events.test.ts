import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { PortError, UnavailableError } from '../../src/ports/errors.js';
import type { JsonObject } from '../../src/ports/json.js';
import { inMemoryEventStore, type InMemoryEventStore } from '../support/in-memory-event-store.js';
import { type Answer, codesOf, serveQueryApi, storeThatAnswers } from '../support/query-api.js';

const AT = Date.parse('2026-11-24T10:00:00.000Z');

interface Connection {
  readonly edges: readonly {
    readonly cursor: string;
    readonly node: { readonly [key: string]: unknown };
  }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const PAGE = `{
  edges { cursor node { stream type revision } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
}`;

const STREAM = `query ($name: String!, $from: String, $after: String, $limit: Int, $direction: Direction) {
  page: stream(name: $name, from: $from, after: $after, limit: $limit, direction: $direction) ${PAGE}
}`;

const LOG = `query ($after: String, $limit: Int, $direction: Direction, $types: [String!]) {
  page: log(after: $after, limit: $limit, direction: $direction, types: $types) ${PAGE}
}`;

const connectionOf = (answer: Answer): Connection => {
  const { page } = (answer.data ?? {}) as { page?: Connection | null };
  if (page === null || page === undefined) throw new Error(JSON.stringify(answer));
  return page;
};

const placesOf = ({ edges }: Connection): string[] =>
  edges.map(({ node }) => `${String(node['stream'])} ${String(node['revision'])}`);

const newEvent = (type = 'ClickRegistered', data: JsonObject = {}) => ({
  id: randomUUID(),
  type,
  data,
  metadata: { $correlationId: 'c' },
});

describe('queries for stored events', () => {
  let eventStore: InMemoryEventStore;
  const stops: (() => Promise<void>)[] = [];

  beforeEach(() => {
    eventStore = inMemoryEventStore(() => AT);
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  const given = async (
    streams: readonly (readonly [stream: string, type?: string])[],
    options: Partial<Parameters<typeof serveQueryApi>[0]> = {},
  ) => {
    for (const [stream, type] of streams) {
      await eventStore.append(stream, await eventStore.head(stream), [newEvent(type)]);
    }
    const api = await serveQueryApi({
      readStore: storeThatAnswers(),
      events: eventStore,
      ...options,
    });
    stops.push(api.stop);
    return api;
  };

  const CLICKS = [['anime-1'], ['anime-1'], ['anime-1']] as const;

  describe('stream', () => {
    it('returns the newest events first, page by page', async () => {
      const { ask } = await given(CLICKS);
      const first = connectionOf(await ask(STREAM, { name: 'anime-1', limit: 2 }));
      expect(placesOf(first)).to.deep.equal(['anime-1 2', 'anime-1 1']);
      expect(first.pageInfo).to.deep.equal({
        hasNextPage: true,
        hasPreviousPage: false,
        startCursor: first.edges[0]?.cursor,
        endCursor: first.edges[1]?.cursor,
      });
      const after = first.pageInfo.endCursor;
      const second = connectionOf(await ask(STREAM, { name: 'anime-1', limit: 2, after }));
      expect(placesOf(second)).to.deep.equal(['anime-1 0']);
      expect(second.pageInfo).to.include({ hasNextPage: false, hasPreviousPage: true });
      const beyond = { name: 'anime-1', after: second.pageInfo.endCursor };
      expect(placesOf(connectionOf(await ask(STREAM, beyond)))).to.deep.equal([]);
    });

    it('begins at a revision, inclusive, in either direction', async () => {
      const { ask } = await given(CLICKS);
      const from = async (revision: string, direction: string) =>
        placesOf(connectionOf(await ask(STREAM, { name: 'anime-1', from: revision, direction })));
      expect(await from('1', 'FORWARDS')).to.deep.equal(['anime-1 1', 'anime-1 2']);
      expect(await from('1', 'BACKWARDS')).to.deep.equal(['anime-1 1', 'anime-1 0']);
      expect(await from('3', 'FORWARDS')).to.deep.equal([]);
    });

    it('goes on forwards with what was stored since the last page', async () => {
      const { ask } = await given(CLICKS);
      const query = { name: 'anime-1', direction: 'FORWARDS' };
      const { pageInfo } = connectionOf(await ask(STREAM, query));
      expect(pageInfo.hasNextPage).to.equal(false);
      await eventStore.append('anime-1', 2n, [newEvent()]);
      const next = connectionOf(await ask(STREAM, { ...query, after: pageInfo.endCursor }));
      expect(placesOf(next)).to.deep.equal(['anime-1 3']);
    });

    it('is null where there is no such stream, or it was deleted for ever', async () => {
      const { ask } = await given(CLICKS);
      await eventStore.tombstoneStream('anime-1');
      for (const name of ['anime-1', 'anime-2']) {
        expect(await ask(STREAM, { name })).to.deep.equal({ data: { page: null } });
      }
    });

    it('shows an event as it is stored', async () => {
      const { ask } = await given([]);
      const event = newEvent('RatingGiven', { rating: 8.75, nested: { none: null } });
      const { position } = await eventStore.append('anime-7', 'no_stream', [event]);
      const answer = await ask(`{ stream(name: "anime-7") { edges { node {
        id eventId stream type revision position time animeId data dataText metadata
      } } } }`);
      const { data, metadata } = event;
      const node = {
        id: 'RecordedEvent:0@anime-7',
        eventId: event.id,
        stream: 'anime-7',
        type: 'RatingGiven',
        revision: '0',
        position: String(position.commit),
        time: '2026-11-24T10:00:00.000Z',
        animeId: 7,
        data,
        dataText: JSON.stringify(data),
        metadata,
      };
      expect(answer).to.deep.equal({ data: { stream: { edges: [{ node }] } } });
    });

    it('shows data that is not JSON as null, beside its text or bytes', async () => {
      const { ask } = await given([]);
      const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
      const contents = [
        Buffer.from('{"number": 12345678901234567890}'),
        Buffer.from('not JSON'),
        Buffer.from([0xff, 0x00]),
        Buffer.from(deep),
        Buffer.alloc(0),
      ];
      for (const data of contents) eventStore.record('anime-7', { ...newEvent(), data });
      const answer = await ask(`{ page: stream(name: "anime-7", direction: FORWARDS) {
        edges { node { data dataText dataBase64 } }
      } }`);
      const shown = connectionOf(answer).edges.map(({ node }) => node);
      expect(shown.map(({ data }) => data)).to.deep.equal([
        { number: Number('12345678901234567890') },
        null,
        null,
        null,
        null,
      ]);
      expect(shown.map(({ dataText }) => dataText)).to.deep.equal([
        '{"number": 12345678901234567890}',
        'not JSON',
        null,
        deep,
        '',
      ]);
      expect(shown[2]?.['dataBase64']).to.equal('/wA=');
    });

    it('refuses streams of the server and of other services', async () => {
      const { ask } = await given([['$settings'], ['orders-1'], ['$$anime-1'], ['animes']]);
      const names = ['$all', '$settings', '$$anime-1', 'orders-1', 'animes', '', 'anime-\ud800'];
      for (const name of [...names, `anime-${'x'.repeat(200)}`]) {
        const answer = await ask(STREAM, { name });
        expect(codesOf(answer), name).to.deep.equal(['BAD_USER_INPUT']);
        expect(answer.errors?.[0]?.extensions).to.include({ argument: 'name' });
      }
    });

    it('refuses arguments that are no place in a stream', async () => {
      const { ask } = await given(CLICKS);
      const log = connectionOf(await ask(LOG)).pageInfo.endCursor;
      const mistakes: readonly [argument: string, given: object][] = [
        ['from', { from: '-1' }],
        ['from', { from: '01' }],
        ['from', { from: '9223372036854775808' }],
        ['from', { from: '1', after: log }],
        ['after', { after: log }],
        ['after', { after: 'x' }],
        ['limit', { limit: 0 }],
        ['limit', { limit: 101 }],
      ];
      for (const [argument, mistake] of mistakes) {
        const [error] = (await ask(STREAM, { name: 'anime-1', ...mistake })).errors ?? [];
        expect(error?.extensions).to.deep.equal({ code: 'BAD_USER_INPUT', argument });
      }
    });
  });

  describe('log', () => {
    const MIXED = [
      ['anime-1', 'AnimeListed'],
      ['$settings', 'secret'],
      ['anime-2', 'AnimeListed'],
      ['orders-1', 'ClickRegistered'],
      ['log-identity', 'LogIdentified'],
      ['anime-1', '$>'],
      ['anime-1', 'ClickRegistered'],
    ] as const;
    const SHOWN = ['anime-1 0', 'anime-2 0', 'log-identity 0', 'anime-1 2'];

    it('returns the events of this service alone, newest first by default', async () => {
      const { ask } = await given(MIXED);
      expect(placesOf(connectionOf(await ask(LOG)))).to.deep.equal(SHOWN.toReversed());
      const forwards = connectionOf(await ask(LOG, { direction: 'FORWARDS' }));
      expect(placesOf(forwards)).to.deep.equal(SHOWN);
    });

    it('returns every event once, page by page, in either direction', async () => {
      const { ask } = await given(MIXED);
      for (const direction of ['FORWARDS', 'BACKWARDS']) {
        const found: string[] = [];
        let after: string | null = null;
        for (let more = true; more;) {
          const page: Connection = connectionOf(await ask(LOG, { after, limit: 1, direction }));
          expect(page.pageInfo.hasPreviousPage).to.equal(after !== null);
          found.push(...placesOf(page));
          after = page.pageInfo.endCursor;
          more = page.pageInfo.hasNextPage;
        }
        expect(found).to.deep.equal(direction === 'FORWARDS' ? SHOWN : SHOWN.toReversed());
      }
    });

    it('goes on forwards with what was stored since the last page', async () => {
      const { ask } = await given([...MIXED, ['$settings']]);
      const { pageInfo } = connectionOf(await ask(LOG, { direction: 'FORWARDS' }));
      const next = async () =>
        connectionOf(await ask(LOG, { direction: 'FORWARDS', after: pageInfo.endCursor }));
      expect((await next()).pageInfo.endCursor).to.equal(pageInfo.endCursor);
      await eventStore.append('anime-3', 'no_stream', [newEvent()]);
      expect(placesOf(await next())).to.deep.equal(['anime-3 0']);
    });

    it('returns only events of the given types', async () => {
      const { ask } = await given(MIXED);
      const of = async (types: readonly string[]) =>
        placesOf(connectionOf(await ask(LOG, { types })));
      expect(await of(['ClickRegistered'])).to.deep.equal(['anime-1 2']);
      expect(await of(['AnimeListed', 'LogIdentified'])).to.deep.equal([
        'log-identity 0',
        'anime-2 0',
        'anime-1 0',
      ]);
      expect(await of(['secret', '$>'])).to.deep.equal([]);
      expect(await of([])).to.deep.equal(SHOWN.toReversed());
      const types = Array.from({ length: 21 }, (_, n) => `type-${n}`);
      expect(codesOf(await ask(LOG, { types }))).to.deep.equal(['BAD_USER_INPUT']);
    });

    it('looks at a bounded number of events per page, and goes on after them', async () => {
      const { ask } = await given([['anime-1', 'AnimeListed']]);
      const clicks = Array.from({ length: 1500 }, () => newEvent());
      await eventStore.append('anime-1', 0n, clicks);
      const query = { types: ['AnimeListed'], limit: 5 };
      const first = connectionOf(await ask(LOG, query));
      expect(placesOf(first)).to.deep.equal([]);
      expect(first.pageInfo).to.include({ hasNextPage: true, startCursor: null });
      const second = connectionOf(await ask(LOG, { ...query, after: first.pageInfo.endCursor }));
      expect(placesOf(second)).to.deep.equal(['anime-1 0']);
      expect(second.pageInfo.hasNextPage).to.equal(false);
    });

    it('ends a page of large events early', async () => {
      const { ask } = await given([]);
      for (let revision = 0; revision < 5; revision += 1) {
        const data = Buffer.from(JSON.stringify({ text: 'x'.repeat(400_000) }));
        eventStore.record('anime-1', { ...newEvent(), data });
      }
      const first = connectionOf(await ask(LOG));
      expect(placesOf(first)).to.deep.equal(['anime-1 4', 'anime-1 3', 'anime-1 2']);
      expect(first.pageInfo.hasNextPage).to.equal(true);
      const second = connectionOf(await ask(LOG, { after: first.pageInfo.endCursor }));
      expect(placesOf(second)).to.deep.equal(['anime-1 1', 'anime-1 0']);
    });

    it('refuses cursors that are none of the log', async () => {
      const { ask } = await given(CLICKS);
      const ofStream = connectionOf(await ask(STREAM, { name: 'anime-1' })).pageInfo.endCursor;
      const forged = Buffer.from('log:99999999999999999999/1').toString('base64url');
      const huge = Buffer.from('log:9999999999999999999/1').toString('base64url');
      for (const after of [ofStream, forged, huge, '', 'YW5pbWU6MQ']) {
        expect(codesOf(await ask(LOG, { after })), String(after)).to.deep.equal(['BAD_USER_INPUT']);
      }
    });
  });

  const BOTH = '{ stream(name: "anime-1") { edges { cursor } } log { edges { cursor } } }';

  it('need a key where the service has keys', async () => {
    const api = await given(CLICKS, { readerKeys: ['reader-key'] });
    expect(codesOf(await api.ask(BOTH))).to.deep.equal(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    const response = await api.post(JSON.stringify({ query: BOTH }), { 'x-api-key': 'reader-key' });
    expect(codesOf((await response.json()) as Answer)).to.deep.equal([]);
  });

  it('say why a service or a process does not show events', async () => {
    for (const [events, why] of [
      ['off', /EVENT_QUERIES=on/],
      ['no-event-store', /EVENTSTORE_URL/],
    ] as const) {
      const answer = await (await given([], { events })).ask(BOTH);
      expect(answer.data).to.deep.equal({ stream: null, log: null });
      expect(codesOf(answer)).to.deep.equal(['EVENTS_NOT_AVAILABLE', 'EVENTS_NOT_AVAILABLE']);
      expect(answer.errors?.[0]?.message).to.match(why);
    }
  });

  it('say what is wrong with the event store', async () => {
    const denied = 'The event store does not let this user read $all.';
    for (const [error, code] of [
      [new UnavailableError('Gone.'), 'SERVICE_UNAVAILABLE'],
      [new PortError('ACCESS_DENIED', denied, false), 'EVENTS_NOT_AVAILABLE'],
      [new PortError('NOT_SUPPORTED', 'No such position.', false), 'BAD_USER_INPUT'],
      [new PortError('CORRUPT', 'A page is damaged.', false), 'INTERNAL_SERVER_ERROR'],
      [new TypeError('a bug'), 'INTERNAL_SERVER_ERROR'],
    ] as const) {
      const failing = { ...eventStore, readAll: () => Promise.reject(error) };
      const { ask } = await given([], { events: failing });
      expect(codesOf(await ask(LOG))).to.deep.equal([code]);
    }
  });

  it('cost by their page size', async () => {
    const { ask } = await given(CLICKS);
    const logs = (limit: number) =>
      `{ ${['a', 'b', 'c', 'd'].map((name) => `${name}: log(limit: ${limit}) ${PAGE}`).join(' ')} }`;
    expect(codesOf(await ask(logs(100)))).to.deep.equal([]);
    const [error] =
      (
        await ask(
          `{ ${'abcdefghijklmno'
            .split('')
            .map((name) => `${name}: log(limit: 100) ${PAGE}`)
            .join(' ')} }`,
        )
      ).errors ?? [];
    expect(error?.extensions).to.include({ code: 'COST_LIMIT_EXCEEDED' });
  });
});
