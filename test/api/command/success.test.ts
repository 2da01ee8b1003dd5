import { expect } from 'chai';
import { completeDetails } from '../../../src/domain/details.js';
import { AT, COWBOY_BEBOP } from '../../support/examples.js';
import {
  expectProblem,
  resolved,
  serveCommandApi,
  type CommandApi,
} from '../../support/command-api.js';

describe('the command API', () => {
  let api: CommandApi;
  before(async () => (api = await serveCommandApi()));
  after(() => api.stop());

  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

  it('lists an anime with 201, revises it with 200, and changes nothing with 200', async () => {
    const listed = await api.send('PUT', '/animes/1', COWBOY_BEBOP);
    expect(listed.status).to.equal(201);
    expect(listed.body).to.include({ status: 'ok', animeId: 1, revision: '0' });
    const revised = await api.send('PUT', '/animes/1', { ...COWBOY_BEBOP, score: 8.8 });
    expect(revised.status).to.equal(200);
    expect(revised.body).to.include({ status: 'ok', revision: '1' });
    const unchanged = await api.send('PUT', '/animes/1', { ...COWBOY_BEBOP, score: 8.8 });
    expect(unchanged.status).to.equal(200);
    expect(unchanged.headers.get('etag')).to.equal('"1"');
    expect(unchanged.body).to.deep.equal({
      status: 'ok',
      message: 'Nothing had to change.',
      animeId: 1,
      revision: '1',
    });
  });

  it('replaces all details, making absent ones unknown', async () => {
    await api.send('PUT', '/animes/2', COWBOY_BEBOP);
    await api.send('PUT', '/animes/2', { title: 'Akira', nonsense: 1 });
    const { body } = await api.send('GET', '/animes/2/events?from=1');
    expect(body)
      .to.have.nested.property('events[0].data.details')
      .that.deep.equals(completeDetails({ title: 'Akira' }));
  });

  for (const [path, more, type, data] of [
    ['/click', {}, 'ClickRegistered', {}],
    ['/view', { duration_seconds: 1440 }, 'ViewRegistered', { durationSeconds: 1440 }],
    ['/view', { duration_seconds: 2 ** 31 - 1 }, 'ViewRegistered', { durationSeconds: 2147483647 }],
    ['/rating', { rating: 8.75 }, 'RatingGiven', { rating: 8.75 }],
    ['/rating', { rating: 8.333 }, 'RatingGiven', { rating: 8.33 }],
    ['/rating', { rating: 5.359999999999999 }, 'RatingGiven', { rating: 5.36 }],
  ] as const) {
    it(`accepts ${path} with ${JSON.stringify(more)}`, async () => {
      await api.list(3);
      const { status, headers, body } = await api.post(path, {
        anime_id: 3,
        user_id: 'user123',
        ...more,
        is_admin: true,
      });
      expect(status).to.equal(201);
      expect(body).to.have.keys(
        ...['status', 'message', 'eventId', 'animeId', 'revision', 'position'],
        ...('rating' in data ? ['rating'] : []),
      );
      if ('rating' in data) expect(body['rating']).to.equal(data.rating);
      expect(body).to.include({ status: 'ok', animeId: 3 });
      expect(body['message']).to.be.a('string');
      expect(body['eventId']).to.match(UUID);
      expect(body['revision']).to.match(/^[0-9]+$/);
      expect(body['position']).to.match(/^[0-9]+$/);
      expect(headers.get('etag')).to.equal(`"${String(body['revision'])}"`);
      const location = headers.get('location') ?? '';
      expect(location).to.equal(`animes/3/events?from=${String(body['revision'])}&limit=1`);

      const stored = await api.send('GET', resolved(location, path));
      expect(stored.body).to.have.property('events').with.length(1);
      expect(stored.body).to.have.nested.property('events[0].eventId', body['eventId']);
      expect(stored.body).to.have.nested.property('events[0].type', type);
      expect(stored.body)
        .to.have.nested.property('events[0].data')
        .that.deep.equals({
          schemaVersion: 2,
          animeId: 3,
          occurredAt: AT,
          userId: 'user123',
          ...data,
        });
    });
  }

  it('delists an anime once', async () => {
    await api.list(4);
    const gone = await api.send('DELETE', '/animes/4');
    expect(gone.status).to.equal(200);
    expect(gone.body).to.include({ status: 'ok', revision: '1' });
    expect((await api.send('DELETE', '/animes/4')).body).to.include({ revision: '1' });
    const again = await api.list(4);
    expect(again.status).to.equal(201);
    expect(again.body).to.include({ revision: '2' });
  });

  it('stores user ids of every script unchanged', async () => {
    await api.list(5);
    const ids = [
      'ユーザー',
      'e\u0301',
      '\u00e9',
      'مستخدم',
      '👩‍👩‍👧',
      'a/b',
      'a%2Fb',
      '$gt',
      '__proto__',
      "'; --",
    ];
    for (const id of ids) {
      expect((await api.post('/click', { anime_id: 5, user_id: id })).status).to.equal(201);
    }
    const { body } = await api.send('GET', '/animes/5/events?from=1');
    const events = body['events'] as readonly { data: { userId: string } }[];
    expect(events.map(({ data }) => data.userId)).to.deep.equal(ids);
  });

  it('returns the first response for a repeat with the same Idempotency-Key', async () => {
    await api.list(6);
    const click = { anime_id: 6, user_id: 'a' };
    const first = await api.post('/click', click, { 'idempotency-key': 'k-1' });
    const quoted = await api.post(
      '/click',
      { user_id: 'a', anime_id: 6 },
      { 'idempotency-key': '"k-1"' },
    );
    expect(first.headers.get('idempotency-replayed')).to.equal(null);
    expect(quoted.headers.get('idempotency-replayed')).to.equal('true');
    expect(quoted.status).to.equal(201);
    expect(quoted.body).to.deep.equal(first.body);
    expect(quoted.headers.get('etag')).to.equal(first.headers.get('etag'));
  });

  it('returns 201 for a replayed listing and 200 for a replayed revision', async () => {
    const put = (title: string) =>
      api.send('PUT', '/animes/7', { title }, { 'idempotency-key': title });
    expect([(await put('A')).status, (await put('B')).status]).to.deep.equal([201, 200]);
    expect([(await put('A')).status, (await put('B')).status]).to.deep.equal([201, 200]);
  });

  it('accepts exactly one of many commands with the same If-Match', async () => {
    await api.list(8);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        api.post('/click', { anime_id: 8, user_id: 'a' }, { 'if-match': '"0"' }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).to.deep.equal([201, ...Array<number>(19).fill(412)]);
  });

  it('stores trace context, request id and correlation id with the event', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { headers } = await api.send(
      'PUT',
      '/animes/9',
      { title: 'A' },
      {
        traceparent,
        'x-request-id': 'request-1',
        'x-correlation-id': 'correlation-1',
      },
    );
    expect(headers.get('x-request-id')).to.equal('request-1');
    expect(headers.get('x-correlation-id')).to.equal('correlation-1');
    const { body } = await api.send('GET', '/animes/9/events');
    expect(body).to.have.nested.property('events[0].metadata').that.includes({
      $correlationId: 'correlation-1',
      $causationId: 'request-1',
      traceparent,
    });
  });

  it('stores the request id as correlation id where none was given', async () => {
    await api.send('PUT', '/animes/11', { title: 'A' }, { 'x-request-id': 'request-2' });
    const { body } = await api.send('GET', '/animes/11/events');
    expect(body).to.have.nested.property('events[0].metadata').that.includes({
      $correlationId: 'request-2',
      $causationId: 'request-2',
    });
  });

  it('treats ratings that round to the same value as the same body', async () => {
    await api.list(14);
    const rate = (rating: number) =>
      api.post('/rating', { anime_id: 14, user_id: 'a', rating }, { 'idempotency-key': 'k' });
    const first = await rate(8.333);
    expect(first.body).to.include({ rating: 8.33, revision: '1' });
    for (const rating of [8.333, 8.33]) {
      const repeat = await rate(rating);
      expect(repeat.headers.get('idempotency-replayed')).to.equal('true');
      expect(repeat.body).to.deep.equal(first.body);
    }
    expectProblem(await rate(8.335), 422);
  });

  it('scopes an Idempotency-Key to the anime and the kind of command', async () => {
    await api.list(15);
    await api.list(16);
    const body = { user_id: 'a', duration_seconds: 5 };
    for (const [path, anime_id] of [
      ['/click', 15],
      ['/click', 16],
      ['/view', 15],
    ] as const) {
      const sent = await api.post(path, { ...body, anime_id }, { 'idempotency-key': 'k' });
      expect(sent.status).to.equal(201);
      expect(sent.headers.get('idempotency-replayed')).to.equal(null);
    }
    const put = { title: 'Anime 15', score: 9 };
    const listed = await api.send('PUT', '/animes/15', put, { 'idempotency-key': 'k' });
    expect(listed.headers.get('idempotency-replayed')).to.equal(null);
  });

  it('shows an event that is appended while the events are read', async () => {
    await api.list(12);
    const { store } = api;
    const read = store.read.bind(store);
    let reads = 0;
    const racing: typeof read = (stream, options) =>
      ++reads === 1 ? read('anime-none', options) : read(stream, options);
    Object.assign(store, { read: racing });
    try {
      const { body } = await api.send('GET', '/animes/12/events');
      expect(body['events']).to.have.length(1);
    } finally {
      Object.assign(store, { read });
    }
  });

  it('pages through the events of an anime', async () => {
    await api.list(10);
    for (let i = 0; i < 4; i += 1) await api.post('/click', { anime_id: 10, user_id: 'a' });
    const first = await api.send('GET', '/animes/10/events?limit=3');
    expect(first.body['events']).to.have.length(3);
    expect(first.body['next']).to.equal('?from=3&limit=3');
    const second = await api.send('GET', resolved(String(first.body['next']), '/animes/10/events'));
    expect(second.body['events']).to.have.length(2);
    expect(second.body['next']).to.equal(null);
  });
});
