import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { expectProblem, serveCommandApi, type CommandApi } from '../../support/command-api.js';
import { eventually } from '../../support/eventually.js';
import { held } from '../../support/faulty-event-store.js';

const CLICK = { type: 'click', anime_id: 1, user_id: 'a' };
const LINE = `${JSON.stringify(CLICK)}\n`;
const INVALID = 0;
const NDJSON = { 'content-type': 'application/x-ndjson' };

const statusesIn = (body: Readonly<Record<string, unknown>>): readonly number[] =>
  (body['results'] as readonly { status: number }[]).map(({ status }) => status);

const countOf = (statuses: readonly number[], wanted: number): number =>
  statuses.filter((status) => status === wanted).length;

describe('a large batch', () => {
  let api: CommandApi;
  beforeEach(async () => {
    api = await serveCommandApi();
    await api.list(1);
  });
  afterEach(() => api.stop());

  it('may have 10,000 commands of one anime, each of which is recorded', async () => {
    const { body } = await api.post('/batch', Array<unknown>(10_000).fill(CLICK));
    expect(countOf(statusesIn(body), 201)).to.equal(10_000);
    expect(await api.countEvents()).to.equal(10_001);
  }).timeout(30_000);

  it('is 413 with more than 10,000 commands, and nothing is recorded', async () => {
    expectProblem(await api.post('/batch', Array<unknown>(10_001).fill(CLICK)), 413);
    expect(await api.countEvents()).to.equal(1);
  });

  it('is 413 above 4 MiB, and nothing is recorded', async () => {
    const commands = [CLICK, { ...CLICK, more: 'x'.repeat(4 * 1024 * 1024) }];
    expectProblem(await api.post('/batch', commands), 413);
    const lines = LINE + ' '.repeat(4 * 1024 * 1024);
    expectProblem(await api.post('/batch', lines, NDJSON), 413);
    expect(await api.countEvents()).to.equal(1);
  });

  it('as NDJSON is 413 once it is too long, with the results of what was recorded', async () => {
    const answer = await api.post('/batch', LINE.repeat(10_001), NDJSON);
    expectProblem(answer, 413);
    expect(countOf(statusesIn(answer.body), 201)).to.equal(10_000);
    expect(await api.countEvents()).to.equal(10_001);
  }).timeout(30_000);

  it('as NDJSON is not taken compressed', async () => {
    const headers = { ...NDJSON, 'content-encoding': 'gzip' };
    expectProblem(await api.post('/batch', LINE, headers), 415);
  });

  it('leaves the event loop to other requests', async () => {
    const order: string[] = [];
    await Promise.all([
      api.post('/batch', Array<unknown>(10_000).fill(INVALID)).then(() => order.push('batch')),
      api.send('GET', '/live').then(() => order.push('live')),
    ]);
    expect(order).to.deep.equal(['live', 'batch']);
  });

  it('as NDJSON begins its first commands before the last ones arrive', async () => {
    const socket = connect(api.port, '127.0.0.1');
    const head = `POST /batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\nContent-Length: ${LINE.length * 1001}\r\n\r\n`;
    socket.write(head + LINE.repeat(1000));
    await eventually(async () => expect(await api.countEvents()).to.be.greaterThan(500));
    let received = '';
    socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
    socket.write(LINE);
    await once(socket, 'close');
    expect(received).to.match(/^HTTP\/1\.1 200 /);
    expect(received.split('"status":201')).to.have.length(1002);
  });

  it('of a client that is gone is not begun any further, and what was begun is finished', async () => {
    // Short lines, of which one packet holds thousands, leave the limit as it was.
    const short = await api.post('/batch', `${INVALID}\n`.repeat(9000), NDJSON);
    expect(countOf(statusesIn(short.body), 422)).to.equal(9000);
    const { fault, release } = held();
    api.always(fault);
    const body = JSON.stringify(Array<unknown>(5000).fill(CLICK));
    const socket = connect(api.port, '127.0.0.1');
    socket.write(
      `POST /batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await eventually(() => expect(api.appends.length).to.be.greaterThan(1));
    socket.destroy();
    await once(socket, 'close');
    // A response on another connection shows that the end of the first one was noticed.
    await api.send('GET', '/live');
    release();
    const next = await api.post('/batch', [CLICK]);
    expect(statusesIn(next.body)).to.deep.equal([201]);
    expect(await api.countEvents()).to.be.within(2, 1 + 1000 + 1);
  });

  it('is finished and answered by a service that stops', async () => {
    const { fault, release } = held();
    api.always(fault);
    const answer = api.post('/batch', Array<unknown>(700).fill(CLICK));
    await eventually(() => expect(api.appends.length).to.be.greaterThan(1));
    const stopped = api.stop();
    release();
    const { status, body } = await answer;
    expect(status).to.equal(200);
    expect(countOf(statusesIn(body), 201)).to.equal(700);
    await stopped;
    api = await serveCommandApi();
  });
});

describe('the rate limit', () => {
  let api: CommandApi;
  before(async () => {
    api = await serveCommandApi({ rateLimitPerMinute: 8 });
    await api.list(1);
  });
  after(() => api.stop());

  it('counts each command of a batch, and refuses those above it in their place', async () => {
    const first = await api.post('/batch', [CLICK, INVALID, CLICK]);
    expect(statusesIn(first.body)).to.deep.equal([201, 422, 201]);
    expect(first.headers.get('ratelimit')).to.match(/; r=4;/);
    const second = await api.post('/batch', Array<unknown>(6).fill(CLICK));
    expect(statusesIn(second.body)).to.deep.equal([201, 201, 201, 201, 429, 429]);
    expect(second.headers.get('ratelimit')).to.match(/; r=0;/);
    expect(Number(second.headers.get('retry-after'))).to.be.within(1, 60);
    expectProblem(await api.post('/click', CLICK), 429);
    expectProblem(await api.post('/batch', [CLICK]), 429);
    expect(await api.countEvents()).to.equal(7);
  });
});
