import { expect } from 'chai';
import { startEmbeddedNode, type EmbeddedNode } from '../support/embedded-node.js';
import { openEventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { freshDatabase, openMongodbStore } from '../support/stack/mongodb-store.js';
import { dropDatabase, openMongodb } from '../support/stack/mongodb.js';
import { orSkip, type StackServer } from '../support/stack/server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const EVENTS = `{ log { edges { node { type } } } stream(name: "anime-1") { edges { node { type } } } }`;
const SERVERS = '{ pipeline { servers { name address version status } } }';
const CLICK = { anime_id: 1, user_id: 'spike' };

describe('a query API in a process of its own, with EVENTSTORE_URL', function () {
  this.timeout(120_000);
  let mongodb: StackServer | undefined;
  let database: string;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let node: EmbeddedNode | undefined;
  let services: ServiceProcess[];

  before(async function () {
    this.timeout(300_000);
    mongodb = await orSkip(this, 'mongodb', openMongodb);
  });

  beforeEach(async () => {
    database = freshDatabase();
    directory = await temporaryDirectory();
    node = undefined;
    services = [];
  });

  afterEach(async () => {
    for (const service of services) await service.end('SIGKILL');
    await node?.stop();
    await dropDatabase(mongodb?.address ?? '', database);
    await directory.remove();
  });

  const startNode = async (port = 0) =>
    (node = await startEmbeddedNode({ dataDir: directory.path, port }));

  const start = async (role: string, environment: NodeJS.ProcessEnv): Promise<ServiceProcess> => {
    const options = { dataDir: `${directory.path}/${role}`, args: [role], environment };
    const service = await startServiceProcess(options);
    services.push(service);
    return service;
  };

  const queriesOn = (eventStore: string, settings: NodeJS.ProcessEnv = {}) =>
    start('query-api', {
      MONGODB_URL: mongodb?.address,
      MONGODB_DATABASE: database,
      EVENTSTORE_URL: eventStore,
      ALLOW_INSECURE: 'true',
      ...settings,
    });

  /** As a projector leaves them. */
  const givenReadModels = async () => {
    const store = await openMongodbStore(mongodb?.address ?? '', { database });
    const { name } = await store.createVersion('v1', 'log-1');
    await store.documents(name).noteFed(new Date());
    await store.close();
  };

  const healthOf = async ({ queryUrl }: ServiceProcess) =>
    send('GET', new URL('/health', queryUrl).href);

  it('shows the events of command APIs, live too, and names the event store and its version', async () => {
    const { connectionString, port } = await startNode();
    const { commandUrl } = await start('command-api', { EVENTSTORE_URL: connectionString });
    const { queryUrl } = await queriesOn(connectionString);
    await send('PUT', `${commandUrl}/animes/1`, { title: 'Cowboy Bebop' });
    const listed = { edges: [{ node: { type: 'AnimeListed' } }] };
    const { stream, log } = await query(queryUrl, EVENTS);
    expect(stream).to.deep.equal(listed);
    expect(log)
      .to.have.property('edges')
      .that.deep.includes({ node: { type: 'AnimeListed' } });
    const address = new URL('graphql/stream', queryUrl);
    address.searchParams.set('query', 'subscription { events { type animeId } }');
    const live = await openEventStream(address.href);
    try {
      await eventually(() => expect(live.text()).to.include(':\n'));
      await send('POST', `${commandUrl}/click`, CLICK);
      await eventually(() => expect(live.text()).to.include('ClickRegistered'));
    } finally {
      live.leave();
    }
    const { pipeline } = await query(queryUrl, SERVERS);
    const [eventStore] = (pipeline as { servers: readonly object[] }).servers;
    expect(eventStore).to.include({
      name: 'EventStoreDB',
      address: `esdb://127.0.0.1:${port}`,
      status: 'healthy',
    });
    expect(eventStore)
      .to.have.property('version')
      .that.matches(/^\d+\.\d+/);
  });

  it('starts and serves the other queries while the event store is away, and events once it is there', async () => {
    await givenReadModels();
    const port = await freePort();
    const service = await queriesOn(`esdb://127.0.0.1:${port}?tls=false`);
    const { status, body } = await healthOf(service);
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(body).to.include({ status: 'degraded' });
    expect(body['dependencies']).to.include({
      'event-store': 'unhealthy',
      'read-store': 'healthy',
    });
    expect(body)
      .to.have.nested.property('reasons.event-store')
      .that.matches(/EVENTSTORE_URL/);
    expect((await send('GET', new URL('/ready', service.queryUrl).href)).status).to.equal(200);
    expect(await query(service.queryUrl, '{ genres }')).to.deep.equal({ genres: [] });
    const refused = await send('POST', service.queryUrl, { query: '{ log { edges { cursor } } }' });
    expect(refused.body).to.have.nested.property(
      'errors[0].extensions.code',
      'SERVICE_UNAVAILABLE',
    );
    await startNode(port);
    await eventually(
      async () => {
        await query(service.queryUrl, EVENTS);
        expect((await healthOf(service)).body).to.include({ status: 'healthy' });
      },
      { withinMs: 20_000 },
    );
  });

  it('shows no events in production by default, and does not ask for the event store', async () => {
    const port = await freePort();
    const service = await queriesOn(`esdb://127.0.0.1:${port}?tls=false`, {
      NODE_ENV: 'production',
    });
    const { body } = await send('POST', service.queryUrl, { query: EVENTS });
    expect(body).to.have.nested.property('errors[0].extensions.code', 'EVENTS_NOT_AVAILABLE');
    expect(body)
      .to.have.nested.property('errors[0].message')
      .that.matches(/EVENT_QUERIES=on/);
    expect((await healthOf(service)).body['dependencies']).to.not.have.property('event-store');
  });

  it('links the command API that COMMAND_URL names, and lets its dashboard send commands there', async () => {
    const { connectionString } = await startNode();
    const commands = await start('command-api', { EVENTSTORE_URL: connectionString });
    const service = await queriesOn(connectionString, { COMMAND_URL: commands.commandUrl });
    const settings = await send('GET', new URL('/dashboard.json', service.queryUrl).href);
    expect(settings.body).to.include({ commands: commands.commandUrl, demo: true });
    const page = await fetch(new URL('/overview', service.queryUrl));
    const policy = page.headers.get('content-security-policy');
    expect(policy).to.include(`connect-src 'self' ${commands.commandUrl}`);
  });
});
