import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { createEventStoreDbStore } from '../../src/adapters/eventstoredb/event-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { startEmbeddedNode } from '../support/embedded-node.js';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { freshDatabase } from '../support/stack/mongodb-store.js';
import { dropDatabase, openMongodb } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';
import { stopAll } from '../support/stack/stop-all.js';
import { tcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ANIME_ID = 2_147_000_001;
const WITHIN_30_S = { withinMs: 30_000, everyMs: 50 };

interface Lines {
  readonly toEventStore: TcpProxy;
  readonly toKeys: TcpProxy;
}

const hasAll =
  (...texts: readonly string[]) =>
  (bytes: Buffer): boolean =>
    texts.every((text) => bytes.includes(text));
const isLookUp = hasAll('find', 'user_keys');
const isDeletion = hasAll('delete', 'user_keys');
const isForgotten = hasAll('users-forgotten', 'UserForgotten');

/** Each step of an erasure, and how a line holds the process there. */
const STEPS: readonly {
  readonly step: string;
  readonly holdAt: (lines: Lines) => TcpProxy;
  readonly isRecorded: boolean;
  readonly isKeyGone: boolean;
}[] = [
  {
    step: 'while it looks up the user',
    holdAt: ({ toKeys }) => {
      toKeys.set({ kind: 'black-hole-from', request: isLookUp });
      return toKeys;
    },
    isRecorded: false,
    isKeyGone: false,
  },
  {
    step: 'before its event is recorded',
    holdAt: ({ toEventStore }) => {
      toEventStore.set({ kind: 'black-hole-from', request: isForgotten });
      return toEventStore;
    },
    isRecorded: false,
    isKeyGone: false,
  },
  {
    step: 'after its event is recorded, before it knows that',
    holdAt: ({ toEventStore }) => {
      toEventStore.set({ kind: 'deaf-from', request: isForgotten });
      return toEventStore;
    },
    isRecorded: true,
    isKeyGone: false,
  },
  {
    step: 'before the key is deleted',
    holdAt: ({ toKeys }) => {
      toKeys.set({ kind: 'black-hole-from', request: isDeletion });
      return toKeys;
    },
    isRecorded: true,
    isKeyGone: false,
  },
  {
    step: 'after the key is deleted, before it knows that',
    holdAt: ({ toKeys }) => {
      toKeys.set({ kind: 'deaf-from', request: isDeletion });
      return toKeys;
    },
    isRecorded: true,
    isKeyGone: true,
  },
  {
    step: 'while it looks for events in plain text',
    holdAt: ({ toEventStore, toKeys }) => {
      const request = (bytes: Buffer): boolean => {
        if (isDeletion(bytes)) toEventStore.set({ kind: 'black-hole' });
        return false;
      };
      toKeys.set({ kind: 'deaf-from', request });
      return toEventStore;
    },
    isRecorded: true,
    isKeyGone: true,
  },
];

describe('an erasure in a process that is killed', function () {
  this.timeout(180_000);
  const toStop: { stop(): Promise<void> }[] = [];
  const users = STEPS.map((_, index) => `user-${index}@bebop.example`);
  let lines: Lines;
  let store: EventStore;
  let subjects: () => Promise<readonly string[]>;
  let start: () => Promise<ServiceProcess>;
  let service: ServiceProcess | undefined;

  before(async function () {
    this.timeout(300_000);
    const { address } = await orSkip(this, 'mongodb', openMongodb);
    const database = freshDatabase();
    const directory = await temporaryDirectory();
    const node = await startEmbeddedNode({ dataDir: `${directory.path}/log` });
    store = createEventStoreDbStore({
      connectionString: node.connectionString,
      logger: silentLogger(),
    });
    const client = new MongoClient(address);
    const rows = client.db(database).collection('user_keys');
    subjects = async () => (await rows.find().toArray()).map(({ subject }) => String(subject));
    const { hostname: host, port, search } = new URL(address);
    lines = {
      toEventStore: await tcpProxy({ host: '127.0.0.1', port: node.port }),
      toKeys: await tcpProxy({ host, port: Number(port) }),
    };
    const environment = {
      EVENTSTORE_URL: `esdb://127.0.0.1:${lines.toEventStore.port}?tls=false`,
      MONGODB_URL: `mongodb://127.0.0.1:${lines.toKeys.port}/${search}`,
      MONGODB_DATABASE: database,
      USER_ID_PROTECTION: 'encrypt',
      USER_ID_MASTER_KEY: randomBytes(32).toString('base64'),
    };
    start = () => startServiceProcess({ dataDir: `${directory.path}/service`, environment });
    toStop.push(
      { stop: () => endService() },
      lines.toEventStore,
      lines.toKeys,
      { stop: () => client.close() },
      { stop: () => dropDatabase(address, database) },
      { stop: () => store.close() },
      node,
      { stop: () => directory.remove() },
    );

    service = await start();
    await send('PUT', `${service.commandUrl}/animes/${ANIME_ID}`, { title: 'Bebop' });
    for (const user_id of users) {
      const click = { anime_id: ANIME_ID, user_id };
      expect(await send('POST', `${service.commandUrl}/click`, click)).to.include({ status: 201 });
    }
    await expectTotal();
  });
  after(() => stopAll(toStop));

  const endService = async (): Promise<void> => {
    await service?.end('SIGKILL');
  };

  const running = (): ServiceProcess => service ?? expect.fail('The service does not run.');

  const expectTotal = (): Promise<void> =>
    eventually(async () => {
      const document = `query ($id: Int!) { animeStats(animeId: $id) { totalClicks } }`;
      const { animeStats } = await query(running().queryUrl, document, { id: ANIME_ID });
      expect(animeStats).to.deep.equal({ totalClicks: users.length });
    }, WITHIN_30_S);

  const clicksOf = async (user: string): Promise<readonly number[]> => {
    const document = `query ($user: String!) {
      userInteractions(userId: $user) { edges { node { totalClicks } } }
    }`;
    const { userInteractions } = await query(running().queryUrl, document, { user });
    const { edges } = userInteractions as { edges: { node: { totalClicks: number } }[] };
    return edges.map(({ node: { totalClicks } }) => totalClicks);
  };

  const erase = (user: string) => send('DELETE', `${running().commandUrl}/users/${user}`);

  const countForgotten = async (): Promise<bigint> => {
    const head = await store.head('users-forgotten');
    return typeof head === 'bigint' ? head + 1n : 0n;
  };

  for (const [index, { step, holdAt, isRecorded, isKeyGone }] of STEPS.entries()) {
    it(`is whole or not there after a kill -9 ${step}, and a repeat completes it`, async () => {
      const user = users[index] ?? expect.fail('there is no user');
      const [keysBefore, forgottenBefore] = [await subjects(), await countForgotten()];
      const held = holdAt(lines);
      const erasing = erase(user).then(
        () => 'answered',
        () => 'killed',
      );
      await eventually(async () => {
        expect(held.isSilent()).to.equal(true);
        const recorded = (await countForgotten()) - forgottenBefore;
        expect(recorded).to.equal(isRecorded ? 1n : 0n);
        expect(await subjects()).to.have.lengthOf(keysBefore.length - (isKeyGone ? 1 : 0));
      }, WITHIN_30_S);
      await running().end('SIGKILL');
      expect(await erasing).to.equal('killed');
      for (const line of [lines.toEventStore, lines.toKeys]) await line.mend();

      service = await start();
      await expectTotal();
      expect(await clicksOf(user)).to.deep.equal(isRecorded ? [] : [1]);
      expect(await subjects()).to.have.lengthOf(keysBefore.length - (isRecorded ? 1 : 0));
      const { status, body } = await erase(user);
      expect(status).to.equal(200);
      expect(body).to.deep.include({ notErased: { events: 0, streams: [] } });
      expect(await clicksOf(user)).to.deep.equal([]);
      expect(await subjects()).to.have.lengthOf(keysBefore.length - 1);
      for (const other of users.slice(index + 1)) expect(await clicksOf(other)).to.deep.equal([1]);
      await expectTotal();
    });
  }
});
