import { expect } from 'chai';
import { Router } from 'express';
import { exchange, expectProblem, serveRouters } from '../support/http.js';

const routes = (): Router => {
  const router = Router();
  router.get('/things/:id', (req, res) => void res.json({ id: req.params.id }));
  router.put('/things/:id', (_req, res) => void res.json({}));
  return router;
};

describe('an HTTP app', () => {
  let server: Awaited<ReturnType<typeof serveRouters>>;
  before(async () => {
    server = await serveRouters([routes()], { corsOrigins: ['https://good.example'] });
  });
  after(() => server.stop());

  const call = (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init);

  describe('called by a page of another origin', () => {
    const ORIGIN = 'https://good.example';
    const EVIL = 'https://evil.example';
    const SENT = [
      ...['authorization', 'content-type', 'idempotency-key', 'if-match', 'if-none-match'],
      ...['traceparent', 'tracestate', 'x-api-key', 'x-correlation-id', 'x-request-id'],
    ];
    const from = (origin: string, path = '/things/1', method = 'GET') =>
      call(path, { method, headers: { origin } });
    const preflight = (origin: string, url = server.url) =>
      fetch(`${url}/things/1`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'PUT',
          'access-control-request-headers': SENT.join(','),
        },
      });
    const corsHeadersOf = ({ headers }: Response) =>
      [...headers.keys()].filter((name) => name.startsWith('access-control-'));

    it('echoes a listed origin and allows credentials', async () => {
      const { headers } = await from(ORIGIN);
      expect(headers.get('access-control-allow-origin')).to.equal(ORIGIN);
      expect(headers.get('access-control-allow-credentials')).to.equal('true');
      expect(headers.get('vary')).to.equal('Origin');
    });

    it('exposes to a listed origin every header that a client needs', async () => {
      const exposed = (await from(ORIGIN)).headers.get('access-control-expose-headers')?.split(',');
      expect(exposed).to.have.members([
        ...['ETag', 'Location', 'Idempotency-Replayed', 'Retry-After', 'RateLimit'],
        ...['RateLimit-Policy', 'X-Request-Id', 'X-Correlation-Id', 'WWW-Authenticate', 'Allow'],
      ]);
    });

    it('passes a credentialed preflight with every header that our clients send', async () => {
      const response = await preflight(ORIGIN);
      const { headers } = response;
      expect(response.status).to.equal(204);
      expect(headers.get('access-control-allow-origin')).to.equal(ORIGIN);
      expect(headers.get('access-control-allow-credentials')).to.equal('true');
      expect(headers.get('access-control-allow-methods')?.split(',')).to.include('PUT');
      expect(headers.get('access-control-allow-headers')?.split(',')).to.deep.equal(SENT);
      expect(headers.get('vary')).to.equal('Origin, Access-Control-Request-Headers');
    });

    it('shows errors to a listed origin', async () => {
      const { headers } = await from(ORIGIN, '/nowhere');
      expect(headers.get('access-control-allow-origin')).to.equal(ORIGIN);
    });

    it('sends no CORS headers to other origins, but Vary', async () => {
      for (const response of [await from(EVIL), await preflight(EVIL)]) {
        expect(corsHeadersOf(response)).to.deep.equal([]);
        expect(response.headers.get('vary')).to.equal('Origin');
      }
      expect((await call('/things/1')).headers.get('vary')).to.equal('Origin');
    });

    it('echoes each origin where all are allowed, because * excludes credentials', async () => {
      const open = await serveRouters([routes()], { corsOrigins: ['*'] });
      try {
        const { headers } = await preflight(EVIL, open.url);
        expect(headers.get('access-control-allow-origin')).to.equal(EVIL);
        expect(headers.get('access-control-allow-credentials')).to.equal('true');
      } finally {
        await open.stop();
      }
    });
  });

  describe('called with OPTIONS', () => {
    const options = (path: string, headers: Record<string, string> = {}) =>
      call(path, { method: 'OPTIONS', headers });

    it('answers 204 with the methods of the path, for any origin', async () => {
      for (const headers of [{}, { origin: 'https://good.example' }, { origin: 'https://x.y' }]) {
        const response = await options('/things/5', headers);
        expect(response.status).to.equal(204);
        expect(response.headers.get('allow')).to.equal('GET, HEAD, OPTIONS, PUT');
      }
    });

    it('answers 404 for a path that no route has, unless it is a preflight', async () => {
      await expectProblem(await options('/nowhere'), 404, 'There is nothing at this path.');
      const preflight = await options('/nowhere', { 'access-control-request-method': 'GET' });
      expect(preflight.status).to.equal(204);
    });

    it('answers 204 for the server as a whole', async () => {
      const head = 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      expect(await exchange(server.port, head)).to.match(/^HTTP\/1\.1 204 /);
    });
  });
});
