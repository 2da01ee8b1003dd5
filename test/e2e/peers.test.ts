import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import { metricOf, scrape } from '../../bench/support/scrape.js';
import {
  expectHistoryKept,
  recordCommands,
  sendSome,
  type CommandHistory,
} from '../support/command-history.js';
import { startEmbeddedNode, type EmbeddedNode } from '../support/embedded-node.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { send, type Answer } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { storedEvents } from '../support/stored-events.js';
import { list } from '../support/stack/story.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describe('two processes of command APIs that share commands', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let node: EmbeddedNode;
  let ports: readonly number[];
  let apis: ServiceProcess[] = [];
  let history: CommandHistory | undefined;
  /** Another one for each test. */
  let anime = 0;

  before(async () => {
    directory = await temporaryDirectory();
    node = await startEmbeddedNode({ dataDir: join(directory.path, 'log') });
    ports = [await freePort(), await freePort()];
    apis = await Promise.all(ports.map(start));
    await expectConnected();
  });
  beforeEach(async () => {
    history = undefined;
    anime += 1;
    await list(url(0), [anime]);
  });
  afterEach(() => history?.finish());
  after(async () => {
    await Promise.all(apis.map((api) => api.end('SIGKILL')));
    await node.kill('SIGKILL');
    await directory.remove();
  });

  const start = (port: number): Promise<ServiceProcess> =>
    startServiceProcess({
      dataDir: join(directory.path, String(port)),
      args: ['command-api'],
      environment: {
        LOG_LEVEL: 'error',
        EVENTSTORE_URL: node.connectionString,
        PEERS: ports.map((each) => `127.0.0.1:${each}`).join(','),
        PEER_PORT: String(port),
        PEER_KEY: 'a-key-of-this-test',
      },
    });

  const url = (index: number): string => apis[index]?.commandUrl ?? expect.fail('It does not run.');
  const metric = async (index: number, name: string): Promise<number> =>
    metricOf(await scrape(url(index)), `anime_analytics_${name}`);

  const expectConnected = (): Promise<unknown> =>
    eventually(
      async () => {
        for (const index of apis.keys()) {
          expect(await metric(index, 'command_peers')).to.equal(1);
        }
      },
      { withinMs: 20_000, everyMs: 100 },
    );

  const click = (index: number, key: string): Promise<Answer> =>
    send(
      'POST',
      `${url(index)}/click`,
      { anime_id: anime, user_id: 'u' },
      { 'idempotency-key': key },
    );

  /** Clients that send commands on the one anime to each process in turn. */
  const startLoad = async (): Promise<CommandHistory> => {
    let sent = 0;
    history = recordCommands({ commandUrl: () => url((sent += 1) % 2), animeIds: [anime] });
    await sendSome(history, 200);
    return history;
  };

  /** The process that owns the anime: what the other one gets is sent to it. */
  const ownerOf = async (): Promise<0 | 1> => {
    const before = await metric(0, 'commands_forwarded_total');
    expect(await click(0, randomUUID())).to.include({ status: 201 });
    return (await metric(0, 'commands_forwarded_total')) > before ? 1 : 0;
  };

  it('have every command on an anime appended by its owner', async () => {
    const owner = await ownerOf();
    const other = 1 - owner;
    const names = ['append_events_sum', 'commands_forwarded_total'] as const;
    const before = await Promise.all(names.map((name) => metric(other, name)));
    const load = await startLoad();
    await load.finish();
    const [appended = 0, forwarded = 0] = await Promise.all(
      names.map(async (name, index) => (await metric(other, name)) - (before[index] ?? 0)),
    );
    expect(appended).to.equal(0);
    expect(forwarded).to.be.greaterThan(50);
    await expectHistoryKept(url(other), load);
  });

  it('have every command of a batch appended by its owner, each once and with a result in order', async () => {
    const owner = await ownerOf();
    const other = 1 - owner;
    const before = await storedEvents(url(0), anime);
    const entries = Array.from({ length: 100 }, (_, index) => ({
      type: 'click',
      anime_id: anime,
      user_id: `u${index}`,
      id: randomUUID(),
    }));
    const batch = (index: number) => send('POST', `${url(index)}/batch`, entries);
    const appended = await metric(other, 'append_events_sum');
    const answers = await Promise.all([batch(owner), batch(other)]);
    expect(await metric(other, 'append_events_sum')).to.equal(appended);
    const stored = (await storedEvents(url(0), anime)).slice(before.length);
    expect(stored).to.have.length(entries.length);
    for (const { status, body } of answers) {
      expect(status).to.equal(200);
      const results = body['results'] as readonly Record<string, unknown>[];
      expect(results.map((result) => result['status'])).to.deep.equal(entries.map(() => 201));
      const users = new Map(stored.map(({ eventId, data }) => [eventId, data['userId']]));
      expect(results.map((result) => users.get(String(result['eventId'])))).to.deep.equal(
        entries.map((entry) => entry.user_id),
      );
    }
  });

  it('record an Idempotency-Key once that is sent to both at once, and say that the other is a repeat', async () => {
    const before = (await storedEvents(url(0), anime)).length;
    const keys = Array.from({ length: 30 }, () => randomUUID());
    const pairs = await Promise.all(
      keys.map((key) => Promise.all([click(0, key), click(1, key)] as const)),
    );
    for (const [a, b] of pairs) {
      expect([a.status, b.status]).to.deep.equal([201, 201]);
      expect(a.body['eventId']).to.equal(b.body['eventId']);
      expect(a.body['revision']).to.equal(b.body['revision']);
      const replayed = [a, b].map(({ headers }) => headers.get('idempotency-replayed'));
      expect(replayed).to.have.members(['true', null]);
    }
    expect(await storedEvents(url(0), anime)).to.have.length(before + keys.length);
  });

  it('lose and double nothing acknowledged when the owner is killed, and the other goes on', async () => {
    const owner = await ownerOf();
    const other = 1 - owner;
    const load = await startLoad();
    const keys = Array.from({ length: 30 }, () => randomUUID());
    const keyed = Promise.all(keys.map((key) => click(other, key)));
    await apis[owner]?.end('SIGKILL');
    const answers = await keyed;
    expect(answers.map(({ status }) => status)).to.deep.equal(keys.map(() => 201));
    await sendSome(load, 200);
    const again = await Promise.all(keys.map((key) => click(other, key)));
    expect(again.map(({ body }) => body['eventId'])).to.deep.equal(
      answers.map(({ body }) => body['eventId']),
    );

    apis[owner] = await start(ports[owner] ?? 0);
    await expectConnected();
    await sendSome(load, 200);
    await load.finish();
    await expectHistoryKept(url(other), load);
    const stored = (await storedEvents(url(owner), anime)).map(({ eventId }) => eventId);
    for (const { body } of answers) {
      expect(stored.filter((eventId) => eventId === body['eventId'])).to.have.length(1);
    }
  });
});
