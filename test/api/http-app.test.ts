import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { expect } from 'chai';
import { type Request, type Response as ServerResponse, Router } from 'express';
import type { HttpAppOptions } from '../../src/platform/http/http-app.js';
import { jsonBody } from '../../src/platform/http/json-body.js';
import { Problem } from '../../src/platform/http/problem.js';
import { expectProblem, serveRouters } from '../support/http.js';
import { recordingLogger } from '../support/recording-logger.js';

const routes = (): Router => {
  const router = Router();
  router.post('/echo', jsonBody({ limitBytes: 1024 }), (req, res) => void res.json(req.body));
  router.get('/things/:id', (req, res) => void res.json({ id: req.params.id }));
  router.put('/things/:id', (_req, res) => void res.json({}));
  router.get('/broken', () => {
    throw new Error('the password is hunter2');
  });
  router.get('/away', () => {
    throw new Problem(503, 'The event store does not respond.', { kind: 'unavailable' });
  });
  router.get('/refused', () => {
    throw new Problem(409, 'Somebody was faster.', { kind: 'conflict' });
  });
  return router;
};

/** Whether V8 has one hidden class for both. */
const haveSameClass = (one: object, other: object): boolean => {
  setFlagsFromString('--allow-natives-syntax');
  try {
    const same = runInThisContext('(a, b) => %HaveSameMap(a, b)') as (
      a: object,
      b: object,
    ) => boolean;
    return same(one, other);
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
};

describe('every HTTP app', () => {
  let server: Awaited<ReturnType<typeof serveRouters>>;

  before(async () => {
    server = await serveRouters([routes()], { corsOrigins: ['https://good.example'] });
  });
  after(() => server.stop());

  const call = (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init);

  it('makes no hidden class of its own for a request or a response', async () => {
    const seen: [Request, ServerResponse][] = [];
    const router = Router();
    router.get('/seen', (req, res) => {
      seen.push([req, res]);
      res.json({});
    });
    const own = await serveRouters([router]);
    // The first ones settle what V8 thinks of their fields.
    for (let sent = 0; sent < 20; sent += 1) await (await fetch(`${own.url}/seen`)).text();
    await own.stop();
    const [one, other] = seen.slice(-2);
    if (one === undefined || other === undefined) throw new Error('Nothing was seen.');
    expect(haveSameClass(one[0], other[0]), 'requests').to.equal(true);
    expect(haveSameClass(one[1], other[1]), 'responses').to.equal(true);
  });

  it('answers 404 for a path that no route has', async () => {
    await expectProblem(await call('/nowhere'), 404, 'There is nothing at this path.');
  });

  it('answers 405 with the methods that the routes of the path have', async () => {
    const response = await call('/things/5', { method: 'DELETE' });
    expect(response.headers.get('allow')).to.equal('GET, HEAD, OPTIONS, PUT');
    await expectProblem(response, 405, 'This path supports only GET, HEAD, OPTIONS, PUT.');
  });

  it('answers 400 for a path that is not correctly percent-encoded', async () => {
    await expectProblem(
      await call('/things/%ZZ'),
      400,
      'The path is not correctly percent-encoded.',
    );
  });

  it('shows only the request id for an unexpected error', async () => {
    const response = await call('/broken', { headers: { 'x-request-id': 'find-me' } });
    const detail = 'Internal error. See request find-me in the log of the service.';
    await expectProblem(response, 500, detail);
  });

  it('puts the kind of a problem into its type', async () => {
    const body: unknown = await (await call('/refused?a=1')).json();
    expect(body).to.deep.include({
      type: 'urn:problem-type:conflict',
      title: 'Conflict',
      status: 409,
      detail: 'Somebody was faster.',
      instance: '/refused',
    });
  });

  describe('with request ids', () => {
    const idsOf = async (headers: Record<string, string>) => {
      const response = await call('/things/1', { headers });
      return ['x-request-id', 'x-correlation-id'].map((name) => response.headers.get(name));
    };

    it('returns well-formed ids from the client', async () => {
      const given = { 'x-request-id': 'abc-1', 'x-correlation-id': 'order:7_x.y' };
      expect(await idsOf(given)).to.deep.equal(['abc-1', 'order:7_x.y']);
    });

    it('uses the request id as correlation id where none is given', async () => {
      expect(await idsOf({ 'x-request-id': 'abc-1' })).to.deep.equal(['abc-1', 'abc-1']);
    });

    for (const bad of ['a b"c', 'x'.repeat(129), 'ä', '']) {
      it(`generates an id instead of ${JSON.stringify(bad).slice(0, 20)}`, async () => {
        const [requestId, correlationId] = await idsOf({
          'x-request-id': bad,
          'x-correlation-id': bad,
        });
        expect(requestId).to.match(/^[0-9a-f-]{36}$/);
        expect(correlationId).to.equal(requestId);
      });
    }
  });

  describe('behind a proxy that strips a prefix', () => {
    const instanceAt = async (prefix: string, trustProxy: HttpAppOptions['trustProxy'] = 0) => {
      const behind = await serveRouters([routes()], { trustProxy });
      try {
        const headers = { 'x-forwarded-prefix': prefix };
        const response = await fetch(`${behind.url}/refused?a=1`, { headers });
        return ((await response.json()) as { instance: string }).instance;
      } finally {
        await behind.stop();
      }
    };

    it('uses the path that the client requested as the instance of a problem', async () => {
      expect(await instanceAt('/api', 1)).to.equal('/api/refused');
      expect(await instanceAt('/team-1/api/', 1)).to.equal('/team-1/api/refused');
    });

    it('ignores a prefix unless proxies are trusted', async () => {
      expect(await instanceAt('/api', 0)).to.equal('/refused');
    });

    it('uses a prefix from a trusted proxy only', async () => {
      expect(await instanceAt('/api', ['127.0.0.0/8', '::1'])).to.equal('/api/refused');
      expect(await instanceAt('/api', ['192.0.2.0/24'])).to.equal('/refused');
    });

    for (const prefix of ['api', '//evil.example', 'https://evil.example', '/a b', '/../x', '/']) {
      it(`ignores a malformed prefix: ${prefix}`, async () => {
        expect(await instanceAt(prefix, 1)).to.equal('/refused');
      });
    }
  });

  it('answers HEAD as GET, without the body', async () => {
    for (const path of ['/things/1', '/live', '/refused', '/nowhere']) {
      const [get, head] = await Promise.all([call(path), call(path, { method: 'HEAD' })]);
      expect(head.status, path).to.equal(get.status);
      for (const name of ['content-type', 'content-length']) {
        expect(head.headers.get(name), `${name} of ${path}`).to.equal(get.headers.get(name));
      }
      expect(await head.text()).to.equal('');
    }
    const response = await call('/echo', { method: 'HEAD' });
    expect(response.status).to.equal(405);
    expect(response.headers.get('allow')).to.equal('OPTIONS, POST');
  });

  it('sets security headers and no X-Powered-By', async () => {
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

  for (const [whose, trustProxy, expected] of [
    ['of the connection where no proxy is trusted', 0, [200, 429]],
    ['that the nearest proxy names', 1, [200, 200]],
    ['that a proxy of a trusted range names', ['127.0.0.0/8', '::1'], [200, 200]],
    ['that any proxy names where all are trusted', true, [200, 200]],
    ['of the connection where the proxy is not trusted', ['192.0.2.0/24'], [200, 429]],
  ] as const) {
    it(`counts per address ${whose}`, async () => {
      const server = await serveRouters([routes()], { rateLimitPerMinute: 1, trustProxy });
      try {
        const statuses: number[] = [];
        for (const client of ['198.51.100.1', '198.51.100.2']) {
          const headers = { 'x-forwarded-for': client };
          statuses.push((await fetch(`${server.url}/things/1`, { headers })).status);
        }
        expect(statuses).to.deep.equal(expected);
      } finally {
        await server.stop();
      }
    });
  }
});

describe('the log of an HTTP app', () => {
  for (const [what, path, level, message, told] of [
    ['a refusal in its sentence', '/away', 'warn', 'Request refused', 'reason'],
    ['a bug with its stack', '/broken', 'error', 'Request failed', 'error'],
  ] as const) {
    it(`has ${what}, with the ids of the request`, async () => {
      const { logger, lines } = recordingLogger();
      const server = await serveRouters([routes()], { logger });
      try {
        await fetch(`${server.url}${path}`, { headers: { 'x-request-id': 'mine' } });
        const [line] = lines.filter((each) => each.message.startsWith('Request'));
        expect(line).to.include({ level, message });
        const names = ['requestId', 'correlationId', 'method', 'status', told];
        expect(line?.data).to.have.all.keys(names).and.to.include({ requestId: 'mine' });
      } finally {
        await server.stop();
      }
    });
  }
});
