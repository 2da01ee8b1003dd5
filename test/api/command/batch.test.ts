import { expect } from 'chai';
import {
  expectProblem,
  serveCommandApi,
  type Answer,
  type CommandApi,
} from '../../support/command-api.js';

interface Result {
  readonly status: number;
  readonly [member: string]: unknown;
}

const resultsOf = ({ status, body }: Answer): readonly Result[] => {
  expect(status, JSON.stringify(body).slice(0, 500)).to.equal(200);
  return body['results'] as readonly Result[];
};

const statusesOf = (answer: Answer): readonly number[] =>
  resultsOf(answer).map(({ status }) => status);

const click = (anime_id: number, more: object = {}) => ({
  type: 'click',
  anime_id,
  user_id: 'a',
  ...more,
});

const NDJSON = { 'content-type': 'application/x-ndjson' };

describe('a batch of commands', () => {
  let api: CommandApi;
  before(async () => {
    api = await serveCommandApi();
    await Promise.all([1, 2, 3].map((id) => api.list(id)));
  });
  after(() => api.stop());

  const batch = (commands: unknown, headers?: Record<string, string>) =>
    api.post('/batch', commands, headers);

  it('has one result per command in order, and one that is refused does not refuse the others', async () => {
    const results = resultsOf(
      await batch([
        click(1),
        click(99),
        { type: 'view', anime_id: 1, user_id: 'a', duration_seconds: 60 },
        { type: 'view', anime_id: 1, user_id: 'a', duration_seconds: -1 },
        { type: 'rating', anime_id: 2, user_id: 'a', rating: 8.333 },
        { type: 'list', anime_id: 2, title: 'A' },
        7,
        click(1),
      ]),
    );
    expect(results.map(({ status }) => status)).to.deep.equal([
      201, 404, 201, 422, 201, 422, 422, 201,
    ]);
    expect(results[0]).to.have.keys('status', 'eventId', 'animeId', 'revision', 'position');
    expect(results[0]).to.include({ animeId: 1, revision: '1' });
    expect(results[1]).to.include({ type: 'urn:problem-type:anime-not-listed' });
    expect(results[2]).to.include({ revision: '2' });
    expect(results[3]?.['errors']).to.deep.equal([
      {
        pointer: '/duration_seconds',
        detail: 'duration_seconds must be a whole number from 0 to 2147483647.',
      },
    ]);
    expect(results[4]).to.include({ animeId: 2, revision: '1', rating: 8.33 });
    expect(results[5]).to.include({ detail: 'type must be click, view or rating.' });
    expect(results[6]).to.include({ detail: 'The body must be a JSON object.' });
    expect(results[7]).to.include({ animeId: 1, revision: '3' });
    const { body } = await api.send('GET', '/animes/1/events?from=1');
    const events = body['events'] as readonly { type: string; metadata: object }[];
    expect(events.map(({ type }) => type)).to.deep.equal([
      ...['ClickRegistered', 'ViewRegistered', 'ClickRegistered'],
    ]);
  });

  it('may be empty', async () => {
    expect(resultsOf(await batch([]))).to.deep.equal([]);
    expect(resultsOf(await batch('\n', NDJSON))).to.deep.equal([]);
  });

  it('stores the ids of its request and its trace with each event', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const headers = { 'x-request-id': 'batch-1', 'x-correlation-id': 'page-1', traceparent };
    const [recorded] = resultsOf(await batch([click(1)], headers));
    const { body } = await api.send(
      'GET',
      `/animes/1/events?from=${String(recorded?.['revision'])}`,
    );
    expect(body).to.have.nested.property('events[0].metadata.$causationId', 'batch-1');
    expect(body).to.have.nested.property('events[0].metadata.$correlationId', 'page-1');
    expect(body).to.have.nested.property('events[0].metadata.traceparent', traceparent);
  });

  for (const type of ['application/json', 'application/vnd.batch+json', 'text/plain']) {
    it(`is taken as ${type}`, async () => {
      expect(statusesOf(await batch([click(1)], { 'content-type': type }))).to.deep.equal([201]);
    });
  }

  it('as NDJSON is read line by line, whatever ends a line, and blank lines count for nothing', async () => {
    const line = JSON.stringify(click(2));
    const answer = await batch(`\ufeff${line}\r\n\n  \n${line}\n${line}`, NDJSON);
    expect(statusesOf(answer)).to.deep.equal([201, 201, 201]);
  });

  it('as NDJSON has a result of its own for a line that cannot be read', async () => {
    const line = JSON.stringify(click(2));
    const long = JSON.stringify(click(2, { more: 'x'.repeat(20_000) }));
    const answer = await batch(
      [line, '{"type":', long, `${line},${line}`, '[]', line].join('\n'),
      NDJSON,
    );
    const results = resultsOf(answer);
    expect(results.map(({ status }) => status)).to.deep.equal([201, 400, 413, 400, 422, 201]);
    expect(results[1]).to.include({ detail: 'The body is not valid JSON.' });
  });

  it('as NDJSON has a result of its own for a line that is not UTF-8', async () => {
    const line = JSON.stringify(click(2));
    const body = Buffer.concat([
      Buffer.from(`${line}\n`),
      Buffer.from(line.replace('"a"', '"\xff"'), 'latin1'),
      Buffer.from(`\n${line}\n`),
    ]);
    const response = await fetch(`${api.url}/batch`, { method: 'POST', headers: NDJSON, body });
    const { results } = (await response.json()) as { results: readonly Result[] };
    expect(results.map(({ status }) => status)).to.deep.equal([201, 400, 201]);
  });

  it('records a command with an id once, in the same batch, in another or alone', async () => {
    const rating = { anime_id: 3, user_id: 'a', rating: 7 };
    const entry = { type: 'rating', ...rating, id: 'key-1' };
    const [first, again, other] = resultsOf(await batch([entry, entry, { ...entry, rating: 8 }]));
    expect(first).to.include({ status: 201 }).and.not.to.have.property('replayed');
    expect(again).to.deep.equal({ ...first, replayed: true });
    expect(other).to.include({ status: 422, type: 'urn:problem-type:idempotency-key-reused' });
    expect(resultsOf(await batch([entry]))).to.deep.equal([again]);
    const alone = await api.post('/rating', rating, { 'idempotency-key': 'key-1' });
    expect(alone.headers.get('idempotency-replayed')).to.equal('true');
    expect(alone.body['eventId']).to.equal(first?.['eventId']);
  });

  it('keeps the ids of different anime and kinds apart', async () => {
    const id = 'key-2';
    const view = { type: 'view', anime_id: 1, user_id: 'a', duration_seconds: 1, id };
    const results = resultsOf(await batch([click(1, { id }), click(2, { id }), view]));
    expect(results.map(({ status }) => status)).to.deep.equal([201, 201, 201]);
    expect(new Set(results.map(({ eventId }) => eventId)).size).to.equal(3);
  });

  for (const id of ['', 'x'.repeat(256), 'é', 'a\nb', 5, null]) {
    it(`refuses a command with the id ${JSON.stringify(id).slice(0, 20)}`, async () => {
      const [result] = resultsOf(await batch([click(1, { id })]));
      expect(result).to.include({ status: 422 });
      expect(result).to.have.nested.property('errors[0].pointer', '/id');
    });
  }

  for (const header of ['Idempotency-Key', 'If-Match', 'If-None-Match']) {
    it(`refuses ${header}, which is for a single command`, async () => {
      expectProblem(await batch([click(1)], { [header]: '"1"' }), 400);
    });
  }

  it('masks a bug that one command meets, and decides the others', async () => {
    api.next(() => expect.fail('a bug'));
    const results = resultsOf(await batch([click(1), click(2)]));
    expect(results.map(({ status }) => status)).to.deep.equal([500, 201]);
    expect(results[0]?.['detail']).to.match(/^Internal error\. See request /);
  });

  it('asks for the same key as single commands, before it reads anything', async () => {
    const guarded = await serveCommandApi({ apiKeys: ['a-key'], readerKeys: ['a-key', 'reader'] });
    try {
      await guarded.send('PUT', '/animes/1', { title: 'A' }, { 'x-api-key': 'a-key' });
      expectProblem(await guarded.post('/batch', [click(1)]), 401);
      expectProblem(await guarded.post('/batch', [click(1)], { 'x-api-key': 'reader' }), 403);
      const taken = await guarded.post('/batch', [click(1)], { 'x-api-key': 'a-key' });
      expect(statusesOf(taken)).to.deep.equal([201]);
    } finally {
      await guarded.stop();
    }
  });
});
