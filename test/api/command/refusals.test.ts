import { expect } from 'chai';
import { PortError, UnavailableError } from '../../../src/ports/errors.js';
import { conflict, neverApply, refuse } from '../../support/faulty-event-store.js';
import { expectProblem, serveCommandApi, type CommandApi } from '../../support/command-api.js';

describe('a refusal of the command API', () => {
  let api: CommandApi;
  before(async () => {
    api = await serveCommandApi({
      limits: { deadlineMs: 200, conflictRetries: 1, beginningForMs: 0 },
    });
    await api.list(1);
    await api.list(2);
    await api.send('DELETE', '/animes/2');
  });
  after(() => api.stop());
  afterEach(() => {
    api.always(undefined);
    api.readsFail(undefined);
  });

  const click = (anime_id: number, headers?: Record<string, string>) =>
    api.post('/click', { anime_id, user_id: 'a' }, headers);

  const expectType = (answer: Awaited<ReturnType<typeof click>>, status: number, type: string) => {
    expectProblem(answer, status);
    expect(answer.body['type']).to.equal(`urn:problem-type:${type}`);
  };

  it('is 404 for an anime that is not listed', async () => {
    expectType(await click(99), 404, 'anime-not-listed');
    expectType(await api.send('DELETE', '/animes/99'), 404, 'anime-not-listed');
    expectType(await api.send('GET', '/animes/99/events'), 404, 'anime-not-listed');
  });

  it('is 410 for a delisted anime', async () => {
    expectType(await click(2), 410, 'anime-delisted');
  });

  it('is 412 at another revision, with that revision in the ETag', async () => {
    const answer = await click(1, { 'if-match': '"7"' });
    expectType(answer, 412, 'precondition-failed');
    expect(answer.headers.get('etag')).to.equal('"0"');
  });

  it('is 422 for an Idempotency-Key used with another body', async () => {
    const headers = { 'idempotency-key': 'k' };
    await api.post('/rating', { anime_id: 1, user_id: 'a', rating: 5 }, headers);
    const other = await api.post('/rating', { anime_id: 1, user_id: 'a', rating: 6 }, headers);
    expectType(other, 422, 'idempotency-key-reused');
  });

  it('is 409 when other processes keep writing to the stream', async () => {
    api.always(conflict);
    expectType(await click(1), 409, 'conflict');
  });

  it('is 503 with Retry-After while the event store is down', async () => {
    api.always(refuse);
    const answer = await click(1);
    expectType(answer, 503, 'unavailable');
    expect(answer.headers.get('retry-after')).to.equal('2');
    api.readsFail(new UnavailableError('down'));
    expectType(await api.send('GET', '/animes/1/events'), 503, 'unavailable');
  });

  it('is 503 event-store-access-denied where the event store denies access, also for a read', async () => {
    const denied = new PortError('ACCESS_DENIED', 'no', false);
    api.always(() => Promise.reject(denied));
    expectType(await click(1), 503, 'event-store-access-denied');
    api.readsFail(denied);
    expectType(await api.send('GET', '/animes/1/events'), 503, 'event-store-access-denied');
  });

  for (const code of ['CORRUPT', 'NOT_SUPPORTED'] as const) {
    it(`is 500, not unavailable, where the event store returns ${code}`, async () => {
      const refused = new PortError(code, 'no', false);
      api.always(() => Promise.reject(refused));
      expectType(await click(1), 500, 'event-store-refused');
      api.readsFail(refused);
      expectType(await api.send('GET', '/animes/1/events'), 500, 'event-store-refused');
    });
  }

  it('is 503 naming stream and event where the beginning is hidden, and a read shows the rest', async () => {
    await api.list(3);
    for (let count = 0; count < 3; count += 1) await click(3);
    await api.store.setMaxCount('anime-3', 2);
    const put = await api.list(3);
    const answer = await click(3);
    for (const each of [put, answer, await api.send('DELETE', '/animes/3')]) {
      expectType(each, 503, 'stream-truncated');
      expect(each.headers.get('retry-after')).to.equal('60');
      expect(each.body).to.include({
        stream: 'anime-3',
        revision: '2',
        eventType: 'ClickRegistered',
        detail:
          'The history of anime-3 was truncated: it begins at revision 2 ($maxCount is 2). ' +
          'An operator must act; nothing was recorded.',
      });
    }
    const { body } = await api.send('GET', '/animes/3/events');
    expect(body['events']).to.have.length(2);
  });

  it('is 404 after a soft delete of the stream, until the anime is listed again', async () => {
    await api.list(4);
    await click(4);
    await api.store.deleteStream('anime-4');
    expectType(await click(4), 404, 'anime-not-listed');
    expectType(await api.send('DELETE', '/animes/4'), 404, 'anime-not-listed');
    expectType(await api.send('GET', '/animes/4/events'), 404, 'anime-not-listed');
    const again = await api.list(4);
    expect(again.status).to.equal(201);
    expect(again.body['revision']).to.equal('2');
    expect((await click(4)).status).to.equal(201);
  });

  it('is 410 after a tombstone, also for a read', async () => {
    await api.list(5);
    await api.store.tombstoneStream('anime-5');
    expectType(await click(5), 410, 'stream-deleted');
    expectType(await api.list(5), 410, 'stream-deleted');
    expectType(await api.send('GET', '/animes/5/events'), 410, 'stream-deleted');
  });

  it('is 503 outcome-unknown when the event may or may not have been stored', async () => {
    api.always(neverApply);
    const answer = await click(1);
    expectType(answer, 503, 'outcome-unknown');
    expect(answer.headers.get('retry-after')).to.equal('1');
  });

  it('is 404 for an unknown path and 405 for another method', async () => {
    expectProblem(await api.send('GET', '/clicks'), 404);
    const answer = await api.send('GET', '/click');
    expectProblem(answer, 405);
    expect(answer.headers.get('allow')).to.equal('OPTIONS, POST');
    const anime = await api.send('POST', '/animes/1', {});
    expect(anime.headers.get('allow')).to.equal('DELETE, OPTIONS, PUT');
  });
});

describe('a command API with keys', () => {
  let api: CommandApi;
  before(async () => (api = await serveCommandApi({ apiKeys: ['one-key', 'two-key'] })));
  after(() => api.stop());

  it('asks for a key before anything else, and leaves probes and the reference open', async () => {
    for (const [method, path] of [
      ['POST', '/click'],
      ['POST', '/view'],
      ['POST', '/rating'],
      ['PUT', '/animes/1'],
      ['DELETE', '/animes/1'],
      ['GET', '/animes/1/events'],
    ] as const) {
      expectProblem(await api.send(method, path), 401);
    }
    for (const path of ['/health', '/live', '/ready', '/openapi.json']) {
      expect((await api.send('GET', path)).status).to.equal(200);
    }
  });

  it("keeps the callers' Idempotency-Keys apart", async () => {
    const put = (key: string) =>
      api.send('PUT', '/animes/1', { title: 'A' }, { 'x-api-key': key, 'idempotency-key': 'k' });
    expect((await put('one-key')).status).to.equal(201);
    const other = await put('two-key');
    expect(other.headers.get('idempotency-replayed')).to.equal(null);
    expect(other.body['message']).to.equal('Nothing had to change.');
    expect((await put('one-key')).headers.get('idempotency-replayed')).to.equal('true');
  });
});
