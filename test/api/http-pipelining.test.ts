import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { Router, type Response as Answer } from 'express';
import { eventually } from '../support/eventually.js';
import { exchange, serveRouters } from '../support/http.js';
import { recordingLogger } from '../support/recording-logger.js';

const start = async (options: Parameters<typeof serveRouters>[1] = {}) => {
  const waiting: Answer[] = [];
  const large: Answer[] = [];
  const bodies: string[] = [];
  const router = Router();
  router.get('/fast', (_req, res) => void res.json('fast'));
  router.get('/slow', (_req, res) => void waiting.push(res));
  router.get('/large', (_req, res) => {
    large.push(res);
    res.end(Buffer.alloc(32 * 1024 * 1024));
  });
  router.post('/body', (req, res) => {
    let length = 0;
    req.on('data', (chunk: Buffer) => (length += chunk.length));
    req.on('end', () => {
      bodies.push(String(length));
      res.json(length);
    });
  });
  return { ...(await serveRouters([router], options)), waiting, large, bodies };
};

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const LAST = 'Connection: close\r\n';

const destroyed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.on('error', () => undefined).once('close', () => resolve()));

describe('pipelined requests', () => {
  let server: Awaited<ReturnType<typeof start>>;
  beforeEach(async () => {
    server = await start({ stalledTimeoutMs: 300 });
  });
  afterEach(() => server.stop());

  it('are started one after the other, as they are answered', async () => {
    const answers = exchange(server.port, get('/slow').repeat(500), get('/fast', LAST));
    for (let count = 1; count <= 500; count += 1) {
      await eventually(() => expect(server.waiting).to.have.length(count), { everyMs: 0 });
      // Another connection has had its turn meanwhile.
      if (count === 1) expect((await fetch(`${server.url}/fast`)).status).to.equal(200);
      expect(server.waiting).to.have.length(count);
      server.waiting.at(-1)?.json(count);
    }
    const found = [...(await answers).matchAll(/\r\n\r\n(\d+|"fast")/g)].map(([, body]) => body);
    const expected = Array.from({ length: 500 }, (_, index) => String(index + 1));
    expect(found).to.deep.equal([...expected, '"fast"']);
  });

  it('are answered before what cannot be read behind them is refused', async () => {
    const answers = exchange(server.port, `${get('/slow')}NONSENSE\r\n\r\n`);
    await eventually(() => expect(server.waiting).to.have.length(1));
    server.waiting[0]?.json('slow');
    expect(await answers).to.match(/^HTTP\/1\.1 200 [^]*"slow"HTTP\/1\.1 400 /);
  });

  it('behind one that names no host are not answered', async () => {
    const answers = await exchange(server.port, `GET /fast HTTP/1.1\r\n\r\n${get('/slow')}`);
    expect(answers).to.match(/^HTTP\/1\.1 400 [^]*problem\+json[^]*must have a Host header/);
    expect(server.waiting).to.have.length(0);
  });

  it('with bodies that are larger than what is read at once are read whole', async () => {
    const body = (length: number, more = '') =>
      `POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${more}\r\n${'x'.repeat(length)}`;
    const sizes = [0, 1, 1023, 70_000, 1024, 300_000];
    await exchange(server.port, ...sizes.map((size) => body(size)), body(5, LAST));
    expect(server.bodies).to.deep.equal([...sizes, 5].map(String));
  });

  it('are sent on once their client has said that the first was continued', async () => {
    const socket = connect(server.port, '127.0.0.1').setEncoding('latin1');
    socket.write(
      'POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n',
    );
    const [first] = (await once(socket, 'data')) as [string];
    expect(first).to.equal('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write(`abc${get('/fast', LAST)}`);
    let rest = '';
    socket.on('data', (text: string) => (rest += text));
    await once(socket, 'close');
    expect(rest).to.match(/^HTTP\/1\.1 200 [^]*\r\n\r\n3HTTP\/1\.1 200 [^]*"fast"$/);
  });

  it('count for the rate limit when they are started', async () => {
    const limited = await start({ rateLimitPerMinute: 2 });
    try {
      exchange(limited.port, get('/slow').repeat(3)).catch(() => undefined);
      await eventually(() => expect(limited.waiting).to.have.length(1));
      expect((await fetch(`${limited.url}/fast`)).status).to.equal(200);
    } finally {
      await limited.close(0);
    }
  });

  it('of 100 clients that read nothing are started once each, and others are served', async () => {
    const clients = Array.from({ length: 100 }, () => {
      const socket = connect(server.port, '127.0.0.1').pause();
      socket.on('error', () => undefined).write(get('/slow').repeat(1500));
      return socket;
    });
    await eventually(() => expect(server.waiting).to.have.length(100));
    expect((await fetch(`${server.url}/fast`)).status).to.equal(200);
    expect(server.waiting).to.have.length(100);
    for (const socket of clients) socket.destroy();
  });
});

describe('a connection', () => {
  it('whose client takes nothing of its answer is closed', async () => {
    const server = await start({ stalledTimeoutMs: 300 });
    try {
      const socket = connect(server.port, '127.0.0.1').pause();
      socket.write(get('/large'));
      const closed = destroyed(socket);
      await eventually(() => expect(server.large.map((res) => res.closed)).to.deep.equal([true]));
      socket.resume();
      await closed;
      expect(socket.bytesRead).to.be.below(32 * 1024 * 1024);
    } finally {
      await server.stop();
    }
  });

  it('that waits for its answer is kept however long that takes', async () => {
    const server = await start({ stalledTimeoutMs: 50 });
    try {
      const answer = fetch(`${server.url}/slow`);
      await eventually(() => expect(server.waiting).to.have.length(1));
      // As long as it takes until one that stalls is closed, several times.
      for (let count = 0; count < 3; count += 1) {
        const stalled = connect(server.port, '127.0.0.1');
        await destroyed(stalled);
      }
      server.waiting[0]?.json('slow');
      expect(await (await answer).json()).to.equal('slow');
    } finally {
      await server.stop();
    }
  });

  it('beyond those that one address may have is closed, until another ends', async () => {
    const { logger, lines } = recordingLogger();
    const server = await start({ maxConnectionsPerAddress: 2, logger });
    try {
      const [first, second] = [1, 2].map(() => connect(server.port, '127.0.0.1'));
      if (first === undefined || second === undefined) throw new Error('No sockets.');
      second.on('error', () => undefined);
      first.write(get('/fast'));
      second.write(get('/fast'));
      await Promise.all([once(first, 'data'), once(second, 'data')]);
      for (let count = 0; count < 2; count += 1) {
        await destroyed(connect(server.port, '127.0.0.1'));
      }
      const warnings = lines.filter(({ level }) => level === 'warn');
      expect(warnings.map(({ data }) => data)).to.deep.equal([{ address: '127.0.0.1', limit: 2 }]);
      second.destroy();
      await eventually(async () => {
        const answer = await exchange(server.port, get('/fast', LAST)).catch(() => '');
        expect(answer).to.match(/^HTTP\/1\.1 200 /);
      });
      first.destroy();
    } finally {
      await server.stop();
    }
  });
});
