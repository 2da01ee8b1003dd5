import { expect } from 'chai';
import { codesOf, serveQueryApi, storeThatAnswers, type Answer } from '../support/query-api.js';

describe('keys for readers', () => {
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

  it('are needed for userInteractions, and the rest of the query answers without', async () => {
    for (const headers of [{}, { 'x-api-key': 'another' }]) {
      const answer = await ask(headers);
      expect(codesOf(answer)).to.deep.equal(['UNAUTHENTICATED']);
      expect(answer.data).to.deep.equal({ genres: ['Drama'], userInteractions: null });
    }
  });

  it('are needed for metrics alone among the probes', async () => {
    const status = async (path: string, headers = {}) =>
      (await fetch(new URL(path, api.url), { headers })).status;
    expect(await status('/metrics')).to.equal(401);
    expect(await status('/metrics', { 'x-api-key': 'reader-key' })).to.equal(200);
    expect(await status('/live')).to.equal(200);
  });
});
