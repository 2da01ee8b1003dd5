import { jsonEvent } from '@eventstore/db-client';
import { expect } from 'chai';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { eventStorePage } from '../../../src/compose/addresses.js';
import { exchange } from '../../support/http.js';
import { openGrpcNode, type GrpcNode, type GrpcNodeOptions } from '../../support/grpc-node.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const SETTINGS = 4;

const page = eventStorePage({
  config: { env: 'development', host: '127.0.0.1', commandUrl: '' },
  addresses: {
    commands: 'http://127.0.0.1:8000',
    queries: 'http://127.0.0.1:8001',
    eventStore: 'esdb://127.0.0.1:2113?tls=false',
  },
});

/** Resolves when the socket is closed, whether ended or reset. */
const closing = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket
      .on('error', () => undefined)
      .on('close', () => resolve())
      .resume();
  });

describe('the gRPC port and a browser', () => {
  let node: GrpcNode;
  const opened: GrpcNode[] = [];
  const open = async (options: GrpcNodeOptions = {}): Promise<GrpcNode> => {
    const another = await openGrpcNode({ page, ...options });
    opened.push(another);
    return another;
  };
  const connect = async ({ server }: GrpcNode): Promise<Socket> => {
    const socket = connectTcp(server.port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  const get = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${node.server.port}${path}`, init);

  before(async () => (node = await open()));
  after(() => Promise.all(opened.map((each) => each.stop())));

  it('serves a page that says what it is, how to connect, and where the APIs are', async () => {
    const response = await get('/');
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).to.match(/^default-src 'none';/);
    const text = await response.text();
    expect(text).to.include('<code>esdb://127.0.0.1:2113?tls=false</code>');
    expect(text)
      .to.include('href="http://127.0.0.1:8000/"')
      .and.include('href="http://127.0.0.1:8001/"');
  });

  it('answers HEAD without a body, and has an icon', async () => {
    const response = await get('/', { method: 'HEAD' });
    expect(response.status).to.equal(200);
    expect(await response.text()).to.equal('');
    expect((await get('/favicon.ico')).headers.get('content-type')).to.equal('image/svg+xml');
  });

  it('asks for its page once, however many requests are pipelined', async () => {
    let asked = 0;
    const counting = await open({
      page: (_req, res) => {
        asked += 1;
        res.end('page');
      },
    });
    const requests = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1500);
    expect(await exchange(counting.server.port, requests)).to.match(/^HTTP\/1\.1 200 [^]*page$/);
    expect(asked).to.equal(1);
  });

  it('answers 204 at /health/live, as EventStoreDB does', async () => {
    expect((await get('/health/live')).status).to.equal(204);
  });

  it('answers 404 elsewhere and 405 for other methods, with a sentence', async () => {
    for (const [response, status] of [
      [await get('/streams/anime-1'), 404],
      [await get('//'), 404],
      [await get('/', { method: 'POST', body: '{}' }), 405],
    ] as const) {
      expect(response.status).to.equal(status);
      expect(await response.text()).to.match(/^This port is the embedded event store/);
    }
  });

  it('answers a request that arrives byte by byte', async () => {
    const answer = await exchange(
      node.server.port,
      ...Array.from('POST / HTTP/1.1\r\nHost: a\r\n\r\n'),
    );
    expect(answer).to.match(/^HTTP\/1\.1 405 /);
  });

  it('answers each connection once, however much is sent on it', async () => {
    const request = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n';
    const answer = await exchange(node.server.port, request.repeat(3));
    expect(answer.match(/HTTP\/1\.1 204/g)).to.have.length(1);
  });

  it('refuses a connection that is neither, and keeps serving', async () => {
    const tls = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03';
    expect(await exchange(node.server.port, tls)).to.match(/^HTTP\/1\.1 400 /);
    expect(await exchange(node.server.port, 'PRINT / HTTP/1.1\r\n\r\n')).not.to.include('200');
    expect((await get('/')).status).to.equal(200);
  });

  it('speaks HTTP/2 with a client whose preface comes in two parts', async () => {
    const socket = await connect(node);
    socket.setNoDelay(true).write(PREFACE.slice(0, 2));
    // A response on another connection shows that the server had time to read the first part.
    await get('/health/live');
    socket.write(PREFACE.slice(2));
    socket.write(EMPTY_SETTINGS);
    const [frame] = (await once(socket, 'data')) as [Buffer];
    expect(frame[3]).to.equal(SETTINGS);
    socket.destroy();
  });

  it('serves gRPC while browsers are connected', async () => {
    const stream = `anime-${randomUUID()}`;
    const click = () => jsonEvent({ type: 'Clicked', data: {} });
    const [appended, live] = await Promise.all([
      node.client.appendToStream(stream, click()),
      get('/health/live'),
    ]);
    expect(appended.nextExpectedRevision).to.equal(0n);
    expect(live.status).to.equal(204);
  });

  for (const [what, begin] of [
    ['says nothing', ''],
    ['begins as HTTP/2 and goes no further', 'PR'],
    ['never ends its request', 'GET / HTTP/1.1\r\n'],
  ] as const) {
    it(`closes a connection that ${what}`, async () => {
      const impatient = await open({ firstRequestMs: 50 });
      const socket = await connect(impatient);
      if (begin !== '') socket.write(begin);
      await closing(socket);
    });
  }

  it('keeps an HTTP/2 connection open past the time-out for the preface', async () => {
    const impatient = await open({ firstRequestMs: 50 });
    const http2 = await connect(impatient);
    http2.write(PREFACE);
    http2.write(EMPTY_SETTINGS);
    await once(http2, 'data');
    const silent = await connect(impatient);
    await closing(silent);
    expect(http2.closed).to.equal(false);
    http2.destroy();
  });

  it('stops without waiting for silent connections', async () => {
    const stopping = await open();
    const silent = await connect(stopping);
    const half = await connect(stopping);
    half.write('GET / HTTP/1.1\r\n');
    const closed = [silent, half].map((socket) => closing(socket));
    await stopping.server.close();
    await Promise.all(closed);
  });
});

describe('the gRPC port without a page', () => {
  it('tells a browser in one sentence what it is', async () => {
    const node = await openGrpcNode();
    try {
      const response = await fetch(`http://127.0.0.1:${node.server.port}/`);
      expect(response.status).to.equal(404);
      expect(await response.text()).to.match(/^This is an event store that speaks gRPC/);
    } finally {
      await node.stop();
    }
  });
});
