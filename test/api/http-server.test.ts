import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { Router, type Response as Answer } from 'express';
import { jsonBody } from '../../src/platform/http/json-body.js';
import { eventually } from '../support/eventually.js';
import { exchange, serveRouters } from '../support/http.js';

const start = async (options: Parameters<typeof serveRouters>[1] = {}) => {
  const waiting: Answer[] = [];
  const router = Router();
  router.get('/fast', (_req, res) => void res.json('fast'));
  router.post('/read', jsonBody({ limitBytes: 10 }), (_req, res) => void res.json('read'));
  router.get('/slow', (_req, res) => void waiting.push(res));
  return { ...(await serveRouters([router], options)), waiting };
};

describe('the HTTP server', () => {
  for (const [name, request, status] of [
    ['what is not HTTP', 'NONSENSE\r\n\r\n', 400],
    ['headers over the limit', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'a bad chunk',
      'POST /read HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
      400,
    ],
  ] as const) {
    it(`answers ${status} for ${name} and closes`, async () => {
      const server = await start();
      try {
        const answer = await exchange(server.port, request);
        expect(answer).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
        if (status === 431) expect(answer).to.include('application/problem+json');
      } finally {
        await server.stop();
      }
    });
  }

  it('answers 408 for headers that do not arrive in time, and serves others meanwhile', async () => {
    const server = await start({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    try {
      const slow = exchange(server.port, 'GET /fast HTTP/1.1\r\nHos');
      expect((await fetch(`${server.url}/fast`)).status).to.equal(200);
      expect(await slow).to.match(/^HTTP\/1\.1 408 [^]*The request took too long to arrive/);
    } finally {
      await server.stop();
    }
  });

  it('finishes requests in flight when it closes, with Connection: close', async () => {
    const server = await start();
    const answer = fetch(`${server.url}/slow`);
    await eventually(() => expect(server.waiting).to.have.length(1));
    const closed = server.close(60_000);
    server.waiting[0]?.json('done');
    const response = await answer;
    expect(response.headers.get('connection')).to.equal('close');
    expect(await response.json()).to.equal('done');
    await closed;
  });

  it('aborts requests still in flight at the deadline', async () => {
    const server = await start();
    const answer = fetch(`${server.url}/slow`).then(
      () => 'answered',
      () => 'cut',
    );
    await eventually(() => expect(server.waiting).to.have.length(1));
    await server.close(20);
    expect(await answer).to.equal('cut');
  });

  it('closes idle connections at once, and may be closed twice', async () => {
    const server = await start();
    await (await fetch(`${server.url}/fast`)).text();
    await Promise.all([server.close(60_000), server.close(60_000)]);
  });

  it('keeps an idle connection for 65 seconds by default, and announces it', async () => {
    const server = await start();
    try {
      const { headers } = await fetch(`${server.url}/fast`);
      expect(headers.get('keep-alive')).to.equal('timeout=65');
    } finally {
      await server.stop();
    }
  });

  it('closes an idle connection after the configured time, and not before', async () => {
    const server = await start({ keepAliveTimeoutMs: 300 });
    try {
      const since = performance.now();
      const answer = await exchange(server.port, 'GET /fast HTTP/1.1\r\nHost: a\r\n\r\n');
      const idleMs = performance.now() - since;
      expect(answer).to.match(/^HTTP\/1\.1 200 /);
      expect(idleMs).to.be.within(295, 5000);
    } finally {
      await server.stop();
    }
  });

  it('answers a second request on a connection that was idle for less', async () => {
    const server = await start({ keepAliveTimeoutMs: 60_000 });
    try {
      const socket = connect(server.port, '127.0.0.1').setEncoding('utf8');
      for (let request = 0; request < 2; request++) {
        socket.write('GET /fast HTTP/1.1\r\nHost: a\r\n\r\n');
        const [answer] = (await once(socket, 'data')) as [string];
        expect(answer).to.match(/^HTTP\/1\.1 200 [^]*Keep-Alive: timeout=60\r\n/);
      }
      socket.destroy();
    } finally {
      await server.stop();
    }
  });

  it('refuses a port in use', async () => {
    const server = await start();
    try {
      const { listen } = await import('../../src/platform/http/http-server.js');
      const again = await listen(() => undefined, { host: '127.0.0.1', port: server.port }).catch(
        (error: unknown) => error,
      );
      expect(again).to.have.property('code', 'EADDRINUSE');
    } finally {
      await server.stop();
    }
  });
});
