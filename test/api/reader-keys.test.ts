import { expect } from 'chai';
import { expectProblem, serveCommandApi, type CommandApi } from '../support/command-api.js';
import { codesOf, serveQueryApi, storeThatAnswers, type Answer } from '../support/query-api.js';

describe('READER_API_KEYS', () => {
  let api: Awaited<ReturnType<typeof serveQueryApi>>;
  before(async () => {
    const readStore = storeThatAnswers({
      genres: () => Promise.resolve(['Drama']),
    });
    api = await serveQueryApi({ readStore, readerKeys: ['reader-key'] });
  });
  after(() => api.stop());

  const QUERY = '{ genres userInteractions(userId: "u") { edges { cursor } } }';
  const ask = async (headers: Record<string, string>): Promise<Answer> =>
    (await (await api.post(JSON.stringify({ query: QUERY }), headers)).json()) as Answer;

  it('are needed for userInteractions, but not for the rest of a query', async () => {
    for (const headers of [{}, { 'x-api-key': 'another' }]) {
      const answer = await ask(headers);
      expect(codesOf(answer)).to.deep.equal(['UNAUTHENTICATED']);
      expect(answer.data).to.deep.equal({ genres: ['Drama'], userInteractions: null });
    }
  });

  it('are needed for metrics, but not for the other probes', async () => {
    const status = async (path: string, headers = {}) =>
      (await fetch(new URL(path, api.url), { headers })).status;
    expect(await status('/metrics')).to.equal(401);
    expect(await status('/metrics', { 'x-api-key': 'reader-key' })).to.equal(200);
    expect(await status('/live')).to.equal(200);
  });
});

describe('a reader key at the command API', () => {
  const READER = { 'x-api-key': 'reader-key' };
  const COMMANDS = [
    ['POST', '/click'],
    ['POST', '/view'],
    ['POST', '/rating'],
    ['PUT', '/animes/1'],
    ['DELETE', '/animes/1'],
  ] as const;
  let api: CommandApi;
  before(async () => {
    api = await serveCommandApi({ apiKeys: ['a-key'], readerKeys: ['a-key', 'reader-key'] });
    await api.send('PUT', '/animes/1', { title: 'Akira' }, { 'x-api-key': 'a-key' });
  });
  after(() => api.stop());

  for (const [method, path] of COMMANDS) {
    it(`is 403 for ${method} ${path}, in either header, and nothing is recorded`, async () => {
      const before = await api.countEvents();
      for (const headers of [READER, { authorization: 'Bearer reader-key' }]) {
        const answer = await api.send(method, path, undefined, headers);
        expectProblem(answer, 403);
        expect(answer.body['type']).to.equal('urn:problem-type:read-only-key');
        expect(answer.headers.get('www-authenticate')).to.include('error="insufficient_scope"');
      }
      expect(await api.countEvents()).to.equal(before);
    });
  }

  it('may read the events of an anime, which need a key', async () => {
    const status = async (headers: Record<string, string>) =>
      (await api.send('GET', '/animes/1/events', undefined, headers)).status;
    expect(await status(READER)).to.equal(200);
    expect(await status({ 'x-api-key': 'a-key' })).to.equal(200);
    expect(await status({})).to.equal(401);
    expect(await status({ 'x-api-key': 'another' })).to.equal(401);
  });
});
