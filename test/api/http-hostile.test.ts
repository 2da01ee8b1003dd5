import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { Router } from 'express';
import { jsonBody } from '../../src/platform/http/json-body.js';
import { exchange, serveRouters } from '../support/http.js';

const routes = (): Router => {
  const router = Router();
  router.post('/echo', jsonBody({ limitBytes: 1024 }), (req, res) => void res.json(req.body));
  router.get('/n/:n', (req, res) => void res.json({ n: req.params.n }));
  return router;
};

/** Whatever error it ends with: `once` would reject with it. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve();
    socket.on('error', () => undefined).once('close', () => resolve());
  });

const POST = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';

describe('a hostile HTTP client', () => {
  let server: Awaited<ReturnType<typeof serveRouters>>;
  before(async () => {
    server = await serveRouters([routes()], { headersTimeoutMs: 300, requestTimeoutMs: 300 });
  });
  after(() => server.stop());
  afterEach(async () => {
    const others = await fetch(`${server.url}/n/1`);
    expect(others.status, 'others are not served any more').to.equal(200);
  });

  it('that sends its body byte by byte gets 408 and is closed', async () => {
    const answer = await exchange(server.port, `${POST}Content-Length: 100\r\n\r\n{"a":`);
    expect(answer).to.match(/^HTTP\/1\.1 408 [^]*application\/problem\+json/);
  });

  it('that never ends a chunked body is closed', async () => {
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    const socket = connect(server.port, '127.0.0.1');
    const end = closed(socket);
    socket.resume();
    socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
    const pump = setInterval(() => socket.write(chunk), 1);
    await end;
    clearInterval(pump);
  });

  it('that pipelines is answered in order', async () => {
    const count = 500;
    const requests = Array.from({ length: count }, (_, n) => {
      const end = n === count - 1 ? 'Connection: close\r\n' : '';
      return `GET /n/${n} HTTP/1.1\r\nHost: a\r\n${end}\r\n`;
    });
    const answer = await exchange(server.port, requests.join(''));
    const numbers = [...answer.matchAll(/\{"n":"(\d+)"\}/g)].map(([, n]) => Number(n));
    expect(numbers).to.deep.equal(Array.from({ length: count }, (_, n) => n));
  });

  it('that smuggles a second request by two lengths is refused', async () => {
    const smuggled = `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /n/666 HTTP/1.1\r\nHost: a\r\n\r\n`;
    const answer = await exchange(server.port, smuggled);
    expect(answer)
      .to.match(/^HTTP\/1\.1 400 /)
      .and.not.include('666');
  });

  it('that disconnects at any point affects no other client', async () => {
    const starts = ['GET', 'GET / HTTP/1.1\r\nHo', `${POST}Content-Length: 50\r\n\r\n{`, POST];
    for (const start of starts) {
      const socket = connect(server.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(start);
      const end = closed(socket);
      socket.resetAndDestroy();
      await end;
    }
  });

  it('that opens more connections than allowed does not lock out others', async () => {
    const bounded = await serveRouters([routes()], { maxConnections: 20, headersTimeoutMs: 200 });
    try {
      const sockets: Socket[] = [];
      for (let i = 0; i < 50; i += 1) {
        const socket = connect(bounded.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.resume();
        sockets.push(socket);
      }
      await Promise.all(sockets.map(closed));
      expect((await fetch(`${bounded.url}/n/1`)).status).to.equal(200);
    } finally {
      await bounded.stop();
    }
  });
});
