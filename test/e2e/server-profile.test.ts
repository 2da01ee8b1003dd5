import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { startEmbeddedNode, type EmbeddedNode } from '../support/embedded-node.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const STATS = `query Stats($animeId: Int!, $minRevision: String) {
  animeStats(animeId: $animeId, minRevision: $minRevision) { totalClicks }
}`;

const CLICK = { anime_id: 1, user_id: 'user123' };

/** The service on an event store that it reaches over the network alone. */
describe('the service on the event store that EVENTSTORE_URL names', function () {
  this.timeout(120_000);
  let log: Awaited<ReturnType<typeof temporaryDirectory>>;
  let data: Awaited<ReturnType<typeof temporaryDirectory>>;
  let node: EmbeddedNode | undefined;
  let services: ServiceProcess[];

  beforeEach(async () => {
    [log, data] = await Promise.all([temporaryDirectory(), temporaryDirectory()]);
    node = undefined;
    services = [];
  });

  afterEach(async () => {
    for (const service of services) await service.end('SIGKILL');
    await node?.stop();
    await Promise.all([log.remove(), data.remove()]);
  });

  const start = async (url: string, ...args: string[]): Promise<ServiceProcess> => {
    const environment = { EVENTSTORE_URL: url };
    const service = await startServiceProcess({ dataDir: data.path, environment, args });
    services.push(service);
    return service;
  };

  const startNode = async (port = 0): Promise<EmbeddedNode> =>
    (node = await startEmbeddedNode({ dataDir: log.path, port }));

  it('accepts a command and answers a query that includes it, before and after a restart', async () => {
    const { connectionString } = await startNode();
    const first = await start(connectionString);
    await send('PUT', `${first.commandUrl}/animes/1`, { title: 'Cowboy Bebop' });
    await send('POST', `${first.commandUrl}/click`, CLICK);
    expect(await first.end('SIGTERM')).to.equal(0);
    const second = await start(connectionString);
    const { body } = await send('POST', `${second.commandUrl}/click`, CLICK);
    const minRevision = body['revision'];
    const { animeStats } = await query(second.queryUrl, STATS, { animeId: 1, minRevision });
    expect(animeStats).to.deep.equal({ totalClicks: 2 });
  });

  it('lets only one process own the data directory of its read models', async () => {
    const { connectionString } = await startNode();
    const { pid } = await start(connectionString);
    const refusal = await start(connectionString).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(refusal?.message).to.contain('DATA_DIR').and.to.contain(String(pid));
  });

  it('serves commands and nothing else in the role command-api', async () => {
    const { connectionString } = await startNode();
    const { commandUrl, queryUrl } = await start(connectionString, 'command-api');
    expect(queryUrl).to.equal('');
    await send('PUT', `${commandUrl}/animes/1`, { title: 'Cowboy Bebop' });
    expect((await send('POST', `${commandUrl}/click`, CLICK)).status).to.equal(201);
    const { body } = await send('GET', `${commandUrl}/health`);
    expect(body['dependencies']).to.deep.equal({ 'event-store': 'healthy' });
  });

  it('waits for a server that has not started yet', async () => {
    const closed = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    const starting = start(`esdb://127.0.0.1:${port}?tls=false`);
    // Several in vain: the client tries twice by itself.
    for (let attempts = 0; attempts < 4; attempts += 1) await once(closed, 'connection');
    closed.close();
    await once(closed, 'close');
    await startNode(port);
    const { commandUrl } = await starting;
    const health = await send('GET', `${commandUrl}/health`);
    expect(health.body).to.have.nested.property('dependencies.event-store', 'healthy');
  });

  it('exits at once with 0 when stopped while it waits for a server', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const environment = {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      QUERY_PORT: '0',
      MONGODB_URL: `mongodb://127.0.0.1:${port}/`,
    };
    const args = [fileURLToPath(new URL('../../src/main.js', import.meta.url))];
    const child = spawn(process.execPath, [...args, 'serve', 'query-api'], { env: environment });
    const exit = once(child, 'exit') as Promise<[number | null]>;
    await once(silent, 'connection');
    const toldAt = performance.now();
    child.kill('SIGTERM');
    expect(await exit).to.deep.equal([0, null]);
    expect(performance.now() - toldAt).to.be.lessThan(5_000);
    silent.close();
  });
});
