import { expect } from 'chai';
import { NoAnswerError, ProblemError } from '../../../src/client/errors.js';
import { hastyClient, type RequestFault } from '../../support/client.js';
import { serveCommandApi, type CommandApi } from '../../support/command-api.js';
import { rejectionOf } from '../../support/rejection-of.js';

const CLICK = { anime_id: 1, user_id: 'spike' };

describe('a command of the client', () => {
  let api: CommandApi;
  beforeEach(async () => {
    api = await serveCommandApi();
    await api.list(1);
  });
  afterEach(() => api.stop());

  const given = (faults: readonly RequestFault[] = [], more: { apiKey?: string } = {}) =>
    hastyClient({ commands: api.url, attemptTimeoutMs: 200, ...more }, faults);

  it('says where it is recorded', async () => {
    const { client } = given();
    expect(await client.click(CLICK)).to.include({ animeId: 1, revision: '1', replayed: false });
    expect(await client.rate({ ...CLICK, rating: 8.333 })).to.include({
      revision: '2',
      rating: 8.33,
    });
    const viewed = await client.view({ ...CLICK, duration_seconds: 60 });
    expect(viewed.eventId).to.match(/^[\da-f-]{36}$/);
    expect(await client.putAnime(1, { title: 'Anime 1' })).to.include({ revision: '3' });
    expect(await client.delistAnime(1)).to.include({ revision: '4' });
  });

  for (const fault of ['request-lost', 'answer-lost', 'silence'] as const) {
    it(`is recorded once when its first attempt ends with ${fault}`, async () => {
      const { client, requests } = given([fault]);
      const { revision, replayed } = await client.click(CLICK);
      expect({ revision, replayed }).to.deep.equal({
        revision: '1',
        replayed: fault === 'answer-lost',
      });
      const keys = requests.map(({ headers }) => headers.get('Idempotency-Key'));
      expect(new Set(keys).size, 'keys').to.equal(1);
      expect(await api.countEvents()).to.equal(2);
    });
  }

  it('with If-Match is recorded once when its answer is lost', async () => {
    const { client } = given(['answer-lost']);
    expect(await client.click(CLICK, { ifMatch: '0' })).to.include({ replayed: true });
    expect(await api.countEvents()).to.equal(2);
  });

  for (const status of [408, 409, 429, 502, 503, 504]) {
    it(`is sent again with the same key after ${status}`, async () => {
      const { client, requests } = given([{ status }, { status }]);
      await client.click(CLICK);
      expect(requests).to.have.length(3);
      expect(new Set(requests.map(({ headers }) => headers.get('Idempotency-Key')))).to.have.length(
        1,
      );
    });
  }

  for (const status of [400, 401, 403, 404, 410, 412, 413, 415, 422, 500]) {
    it(`is not sent again after ${status}`, async () => {
      const { client, requests } = given([{ status }]);
      expect(await rejectionOf(client.click(CLICK))).to.include({ status });
      expect(requests).to.have.length(1);
    });
  }

  for (const kind of ['stream-unreadable', 'stream-truncated', 'event-store-access-denied']) {
    it(`is not sent again after ${kind}, for which an operator must act`, async () => {
      const type = `urn:problem-type:${kind}`;
      const { client, requests } = given([{ status: 503, type }]);
      expect(await rejectionOf(client.click(CLICK))).to.include({ type, outcomeUnknown: false });
      expect(requests).to.have.length(1);
    });
  }

  it('waits as long as Retry-After asks for, in seconds or until a date', async () => {
    const headers = { 'Retry-After': '7' };
    const date = new Date(Date.now() + 20_000).toUTCString();
    const { client, pauses } = given([
      { status: 503, headers },
      { status: 503, headers: { 'Retry-After': date } },
    ]);
    await client.click(CLICK);
    expect(pauses[0]).to.equal(7000);
    expect(pauses[1]).to.be.within(17_000, 20_000);
  });

  it('fails with its problem when Retry-After is beyond its time', async () => {
    const { client, requests } = given([{ status: 429, headers: { 'Retry-After': '60' } }]);
    const error = await rejectionOf(client.click(CLICK));
    expect(error).to.be.instanceOf(ProblemError);
    expect(error).to.include({ status: 429, retryAfterMs: 60_000, outcomeUnknown: false });
    expect(requests).to.have.length(1);
  });

  it('waits for a random part of a time that doubles', async () => {
    const faults = Array.from({ length: 4 }, () => 'request-lost' as const);
    const { client, pauses } = hastyClient({ commands: api.url }, faults, { random: () => 0.5 });
    await client.click(CLICK);
    expect(pauses).to.deep.equal([100, 200, 400, 800]);
  });

  it('fails with its key once its time is over, and is recorded once if sent again with it', async () => {
    const { client } = given(['answer-lost', 'silence']);
    const error = await rejectionOf(client.click(CLICK, { timeoutMs: 150 }));
    expect(error).to.be.instanceOf(NoAnswerError);
    expect(error).to.include({ outcomeUnknown: true });
    const { idempotencyKey = '' } = error as NoAnswerError;
    expect(await client.click(CLICK, { idempotencyKey })).to.include({ replayed: true });
    expect(await api.countEvents()).to.equal(2);
  });

  it('fails with an unknown outcome if any attempt had one, unless the last one was decided', async () => {
    const headers = { 'Retry-After': '60' };
    const { client } = given(['answer-lost', { status: 429, headers }]);
    expect(await rejectionOf(client.click(CLICK))).to.include({
      status: 429,
      outcomeUnknown: true,
    });
    const other = given(['request-lost']).client;
    const refused = await rejectionOf(other.click({ ...CLICK, anime_id: 2 }));
    expect(refused).to.include({ status: 404, outcomeUnknown: false });
  });

  it('ends with the reason of its signal, before, while and between its attempts', async () => {
    const reason = new Error('The user left.');
    const stopped = AbortSignal.abort(reason);
    const before = given();
    expect(await rejectionOf(before.client.click(CLICK, { signal: stopped }))).to.equal(reason);
    expect(before.requests).to.have.length(0);

    const stop = new AbortController();
    const during = given(['silence']);
    const waits = rejectionOf(during.client.click(CLICK, { signal: stop.signal }));
    stop.abort(reason);
    expect(await waits).to.equal(reason);

    const between = new AbortController();
    const sleep = (): Promise<void> => {
      between.abort(reason);
      return Promise.resolve();
    };
    const paused = hastyClient({ commands: api.url }, [{ status: 503 }], { sleep });
    const failed = rejectionOf(paused.client.click(CLICK, { signal: between.signal }));
    expect(await failed).to.equal(reason);
    expect(paused.requests).to.have.length(1);
  });

  it('fails with the problem of the service, whose fields are typed', async () => {
    const { client } = given();
    const error = await rejectionOf(client.rate({ ...CLICK, rating: 11 }));
    expect(error).to.be.instanceOf(ProblemError);
    const { problem, status, message } = error as ProblemError;
    expect(status).to.equal(422);
    expect(problem.errors?.map(({ pointer }) => pointer)).to.deep.equal(['/rating']);
    expect(message).to.equal(problem.detail);
  });

  it('fails with a status where something in between answered with a page', async () => {
    const { client } = given([{ status: 404, html: '<h1>Not here</h1>' }]);
    const error = await rejectionOf(client.click(CLICK));
    expect(error).to.include({ status: 404, message: 'The answer has the status 404.' });
  });

  it('is sent again when something in between answered 200 with a page', async () => {
    const { client } = given([{ status: 200, html: '<h1>Log in to this network</h1>' }]);
    expect(await client.click(CLICK)).to.include({ revision: '1' });
  });

  it('is accepted with a key of the service and its own idempotency key, in any characters', async () => {
    const guarded = await serveCommandApi({ apiKeys: ['secret'] });
    const { client } = hastyClient({ commands: `${guarded.url}/`, apiKey: 'secret' });
    const options = { idempotencyKey: 'a "key" \\ of mine', ifNoneMatch: '*' } as const;
    const first = await client.putAnime(1, { title: 'Akira' }, options);
    const second = await client.putAnime(1, { title: 'Akira' }, options);
    expect(second).to.deep.equal({ ...first, replayed: true });
    await guarded.stop();
  });

  it('sends no cookie', async () => {
    let credentials: unknown;
    const { client } = hastyClient({ commands: api.url }, [], {
      fetch: (input, init) => {
        credentials = init?.credentials;
        return fetch(input, init);
      },
    });
    await client.click(CLICK);
    expect(credentials).to.equal('omit');
  });
});
