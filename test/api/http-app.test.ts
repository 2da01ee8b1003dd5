import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { Router } from 'express';
import { jsonBody } from '../../src/platform/json-body.js';
import { Problem } from '../../src/platform/problem.js';
import { serveRouters } from '../support/http.js';

const routes = (): Router => {
  const router = Router();
  router.post('/echo', jsonBody({ limitBytes: 1024 }), (req, res) => void res.json(req.body));
  router.get('/things/:id', (req, res) => void res.json({ id: req.params.id }));
  router.put('/things/:id', (_req, res) => void res.json({}));
  router.get('/broken', () => {
    throw new Error('the password is hunter2');
  });
  router.get('/refused', () => {
    throw new Problem(409, 'Somebody was faster.', { kind: 'conflict' });
  });
  return router;
};

describe('every HTTP app', () => {
  let server: Awaited<ReturnType<typeof serveRouters>>;

  before(async () => {
    server = await serveRouters([routes()], { corsOrigins: ['https://good.example'] });
  });
  after(() => server.stop());

  const call = (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init);
  const post = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
    call('/echo', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });

  const expectProblem = async (response: Response, status: number, detail: string) => {
    expect(response.status).to.equal(status);
    expect(response.headers.get('content-type')).to.equal('application/problem+json');
    const body: unknown = await response.json();
    expect(body).to.include({ status, detail });
    expect(body).to.include.keys('type', 'title', 'instance', 'requestId');
  };

  it('answers 404 for a path that no route has', async () => {
    await expectProblem(await call('/nowhere'), 404, 'There is nothing at this path.');
  });

  it('answers 405 with the methods that the routes of the path have', async () => {
    const response = await call('/things/5', { method: 'DELETE' });
    expect(response.headers.get('allow')).to.equal('GET, HEAD, OPTIONS, PUT');
    await expectProblem(response, 405, 'This path takes GET, HEAD, OPTIONS, PUT only.');
  });

  it('answers 400 for a path that is not well encoded', async () => {
    await expectProblem(await call('/things/%ZZ'), 400, 'The path is not well encoded.');
  });

  it('tells nothing of an error that nobody foresaw but the id to look it up', async () => {
    const response = await call('/broken', { headers: { 'x-request-id': 'find-me' } });
    const detail = 'Something went wrong on our side. Request find-me is in our log.';
    await expectProblem(response, 500, detail);
  });

  it('names the kind of a problem in its type', async () => {
    const body: unknown = await (await call('/refused?a=1')).json();
    expect(body).to.deep.include({
      type: 'urn:problem-type:conflict',
      title: 'Conflict',
      status: 409,
      detail: 'Somebody was faster.',
      instance: '/refused',
    });
  });

  it('keeps a sane request id and replaces any other', async () => {
    const kept = await call('/things/1', { headers: { 'x-request-id': 'abc-1' } });
    expect(kept.headers.get('x-request-id')).to.equal('abc-1');
    const replaced = await call('/things/1', { headers: { 'x-request-id': 'a b"c' } });
    expect(replaced.headers.get('x-request-id')).to.match(/^[0-9a-f-]{36}$/);
  });

  describe('reading a JSON body', () => {
    it('takes JSON', async () => {
      expect(await (await post('{"a":"ä"}')).json()).to.deep.equal({ a: 'ä' });
    });

    for (const [name, send, status, detail] of [
      ['no JSON', () => post('{"a":'), 400, 'The body is not valid JSON.'],
      ['nothing', () => post(''), 400, 'The body is empty.'],
      [
        'bytes that are not UTF-8',
        () => post(new Uint8Array([0x22, 0xff, 0x22])),
        400,
        'The body is not valid UTF-8.',
      ],
      [
        'a broken compression',
        () => post('{}', { 'content-encoding': 'gzip' }),
        400,
        'The request cannot be read.',
      ],
      ['too much', () => post(`"${'x'.repeat(2000)}"`), 413, 'The body is too large.'],
      [
        'a small body that inflates to too much',
        () => post(gzipSync(`"${'x'.repeat(5_000_000)}"`), { 'content-encoding': 'gzip' }),
        413,
        'The body is too large.',
      ],
      [
        'another content type',
        () => post('{}', { 'content-type': 'text/plain' }),
        415,
        'The body must be JSON, with the content type application/json.',
      ],
      [
        'another charset',
        () => post('{}', { 'content-type': 'application/json; charset=utf-16' }),
        415,
        'The body must be encoded in UTF-8.',
      ],
      [
        'an unknown charset',
        () => post('{}', { 'content-type': 'application/json; charset=utf-nonsense' }),
        415,
        'The body must be encoded in UTF-8.',
      ],
      [
        'an unknown encoding',
        () => post('{}', { 'content-encoding': 'sdch' }),
        415,
        'The content encoding of the body is not supported.',
      ],
    ] as const) {
      it(`answers ${status} for ${name}`, async () => {
        await expectProblem(await send(), status, detail);
      });
    }

    it('survives the deepest JSON that fits', async () => {
      const deep = '['.repeat(500) + ']'.repeat(500);
      expect((await post(deep)).status).to.equal(200);
    });
  });

  it('lets pages of listed origins read the headers they need', async () => {
    const listed = await call('/things/1', { headers: { origin: 'https://good.example' } });
    expect(listed.headers.get('access-control-allow-origin')).to.equal('https://good.example');
    expect(listed.headers.get('access-control-expose-headers')).to.include('ETag');
    const other = await call('/things/1', { headers: { origin: 'https://evil.example' } });
    expect(other.headers.get('access-control-allow-origin')).to.equal(null);
  });

  it('sets security headers and does not say what it runs on', async () => {
    const { headers } = await call('/things/1');
    expect(headers.get('content-security-policy')).to.equal(
      "default-src 'none';frame-ancestors 'none'",
    );
    expect(headers.get('x-content-type-options')).to.equal('nosniff');
    expect(headers.get('x-powered-by')).to.equal(null);
  });

  it('counts requests by the pattern of their route', async () => {
    await call('/things/someone');
    await call('/nothing/someone');
    const text = await (await call('/metrics')).text();
    expect(text).to.include('route="/things/:id",status="200"');
    expect(text).to.include('route="none",status="404"');
    expect(text).not.to.include('someone');
  });
});

describe('a rate limit', () => {
  it('answers 429 with Retry-After and leaves the probes alone', async () => {
    const server = await serveRouters([routes()], { rateLimitPerMinute: 2 });
    try {
      const statuses: number[] = [];
      for (let i = 0; i < 3; i += 1) statuses.push((await fetch(`${server.url}/things/1`)).status);
      expect(statuses).to.deep.equal([200, 200, 429]);
      const refused = await fetch(`${server.url}/things/1`);
      expect(refused.headers.get('content-type')).to.equal('application/problem+json');
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
      expect((await fetch(`${server.url}/live`)).status).to.equal(200);
    } finally {
      await server.stop();
    }
  });
});
