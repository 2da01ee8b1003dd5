import { expect } from 'chai';
import {
  expectProblem,
  resolved,
  serveCommandApi,
  type CommandApi,
} from '../../support/command-api.js';
import { exchange } from '../../support/http.js';

describe('the command API over HTTP', () => {
  let api: CommandApi;
  before(async () => (api = await serveCommandApi()));
  after(() => api.stop());

  it('returns a Location that is valid behind a proxy that strips a prefix', async () => {
    for (const [method, path, body] of [
      ['PUT', '/animes/12', { title: 'A' }],
      ['POST', '/click', { anime_id: 12, user_id: 'a' }],
      ['POST', '/click/', { anime_id: 12, user_id: 'a' }],
      ['DELETE', '/animes/12/', undefined],
    ] as const) {
      const { headers } = await api.send(method, path, body);
      const location = resolved(headers.get('location') ?? '', `/api${path}`);
      expect(location, path).to.match(/^\/api\/animes\/12\/events\?from=\d&limit=1$/);
      expect((await api.send('GET', location.slice('/api'.length))).status).to.equal(200);
    }
  });

  for (const type of ['text/plain;charset=UTF-8', 'application/vnd.tracker+json', 'text/plain']) {
    it(`accepts interactions as ${type}, but not the catalogue`, async () => {
      await api.list(13);
      const body = { anime_id: 13, user_id: 'a', duration_seconds: 5, rating: 5 };
      const headers = { 'content-type': type };
      for (const path of ['/click', '/view', '/rating']) {
        expect((await api.post(path, body, headers)).status, path).to.equal(201);
      }
      expectProblem(await api.send('PUT', '/animes/13', { title: 'A' }, headers), 415);
    });
  }

  it('lists with If-None-Match: * only what is not listed', async () => {
    const create = () => api.send('PUT', '/animes/17', { title: 'A' }, { 'if-none-match': '*' });
    expect((await create()).status).to.equal(201);
    const refused = await create();
    expectProblem(refused, 412);
    expect(refused.headers.get('etag')).to.equal('"0"');
    expect(refused.body['detail']).to.equal(
      'The anime is in the catalogue at a revision that If-None-Match excludes.',
    );
    await api.send('DELETE', '/animes/17');
    expect((await create()).status).to.equal(201);
  });

  it('ignores entity tags on GET, because its pages have none', async () => {
    await api.list(20);
    // Written out: fetch adds Cache-Control to a request with If-None-Match.
    const get = (value: string) =>
      exchange(
        api.port,
        'GET /animes/20/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n',
        `If-None-Match: ${value}\r\n\r\n`,
      );
    expect(await get('*')).to.match(/^HTTP\/1\.1 304 /);
    for (const value of ['"0"', 'W/"0", "1"', 'nonsense']) {
      expect(await get(value)).to.match(/^HTTP\/1\.1 200 /);
    }
  });

  it('compares the tags of If-None-Match weakly, on every command', async () => {
    await api.list(18);
    const click = (tags: string) =>
      api.post('/click', { anime_id: 18, user_id: 'a' }, { 'if-none-match': tags });
    expectProblem(await click('*'), 412);
    expectProblem(await click('"7", W/"0"'), 412);
    expect((await click('"7", "x"')).status).to.equal(201);
  });

  it('answers HEAD where it answers GET, and OPTIONS with the methods of every path', async () => {
    await api.list(19);
    for (const [path, allow] of [
      ...['/click', '/view', '/rating'].map((each) => [each, 'OPTIONS, POST'] as const),
      ['/animes/19', 'DELETE, OPTIONS, PUT'],
      ['/animes/19/events', 'GET, HEAD, OPTIONS'],
      ['/openapi.json', 'GET, HEAD, OPTIONS'],
      ['/health', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const options = await api.send('OPTIONS', path);
      expect(options.status).to.equal(204);
      expect(options.headers.get('allow'), path).to.equal(allow);
      const [head, get] = [await api.send('HEAD', path), await api.send('GET', path)];
      expect(head.status, path).to.equal(allow.includes('GET') ? 200 : 405);
      expect(get.status, path).to.equal(head.status);
      expect(head.headers.get('content-length')).to.equal(get.headers.get('content-length'));
    }
  });

  it('exposes its headers to pages of any origin in development', async () => {
    const { headers } = await api.send('GET', '/live', undefined, { origin: 'https://a.example' });
    expect(headers.get('access-control-allow-origin')).to.equal('https://a.example');
    const preflight = await api.send('OPTIONS', '/click', undefined, {
      origin: 'https://a.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,idempotency-key,if-match',
    });
    expect(preflight.status).to.equal(204);
    expect(preflight.headers.get('access-control-allow-headers')).to.include('idempotency-key');
  });
});
