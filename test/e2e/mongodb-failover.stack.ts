import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import {
  expectHistoryKept,
  recordCommands,
  sendSome,
  type CommandHistory,
} from '../support/command-history.js';
import { runCommandLine } from '../support/command-line.js';
import { send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { mongodbReplicaSet, type ReplicaSet } from '../support/stack/mongodb-relay.js';
import { freshDatabase } from '../support/stack/mongodb-store.js';
import { dropDatabase, openMongodb } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';
import { stopAll } from '../support/stack/stop-all.js';
import { list, readBack } from '../support/stack/story.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ANIME_IDS = [1, 2, 3, 4, 5];
/** An election takes about as long, by MongoDB's defaults. */
const ELECTION_MS = 10_000;
/** Of a query without a primary: far below the ten seconds of a call. The machine may be busy. */
const REFUSED_WITHIN_MS = 6_000;

/** Three members in front of one server. What a driver sees of a change of the primary is as in a set. */
describe('the service on a replica set of MongoDB whose primary changes under load', function () {
  this.timeout(180_000);
  const toStop: { stop(): Promise<void> }[] = [];
  let members: ReplicaSet;
  let service: ServiceProcess;
  let load: CommandHistory;
  let environment: NodeJS.ProcessEnv;
  let primary = 0;

  before(async function () {
    this.timeout(300_000);
    const { address } = await orSkip(this, 'mongodb', openMongodb);
    const database = freshDatabase();
    const directory = await temporaryDirectory();
    members = await mongodbReplicaSet(address, 3);
    environment = {
      DATA_DIR: directory.path,
      MONGODB_URL: members.url,
      MONGODB_DATABASE: database,
      LOG_LEVEL: 'error',
    };
    toStop.push(
      members,
      { stop: () => dropDatabase(address, database) },
      { stop: () => directory.remove() },
    );
    service = await startServiceProcess({ dataDir: directory.path, environment });
    toStop.unshift({
      stop: async () => {
        await service.end('SIGKILL');
      },
    });
    await list(service.commandUrl, ANIME_IDS);
    await readBack(service, 1);
  });
  after(() => stopAll(toStop));

  beforeEach(async () => {
    load = recordCommands({
      commandUrl: () => service.commandUrl,
      animeIds: ANIME_IDS,
      paceMs: 50,
    });
    await sendSome(load, 50);
  });
  afterEach(() => load.finish());

  /** How a query fares: refused as unavailable, or answered, and after how long. */
  const ask = async (): Promise<{ readonly refused: boolean; readonly tookMs: number }> => {
    const begun = performance.now();
    const { body } = await send('POST', service.queryUrl, {
      query: '{ animeStats(animeId: 1) { totalClicks } }',
    });
    return { refused: body['errors'] !== undefined, tookMs: performance.now() - begun };
  };

  const expectRefusedQuickly = async (): Promise<void> => {
    const until = performance.now() + ELECTION_MS;
    let refusals = 0;
    while (performance.now() < until) {
      const { refused, tookMs } = await ask();
      expect(tookMs).to.be.lessThan(REFUSED_WITHIN_MS);
      if (refused) refusals += 1;
      await delay(250);
    }
    expect(refusals).to.be.greaterThan(0);
  };

  for (const [what, isKilled] of [
    ['is killed', true],
    ['steps down', false],
  ] as const) {
    it(`counts each event once, accepts commands and refuses queries quickly while the primary ${what}`, async () => {
      const before = members.refused();
      members.elect(null);
      if (isKilled) await members.kill(primary);
      await expectRefusedQuickly();
      await sendSome(load, 50);
      const next = (primary + 1) % 3;
      members.elect(next);
      await readBack(service, 1);
      if (isKilled) await members.start(primary);
      else expect(members.refused()).to.be.greaterThan(before);
      primary = next;
      await sendSome(load, 50);
      await load.finish();
      expect(load.count('unavailable') + load.count('unknown')).to.equal(0);
      await expectHistoryKept(service.commandUrl, load);
      for (const animeId of ANIME_IDS) await readBack(service, animeId);
      const { code, output, errors } = await runCommandLine(['audit'], {
        ...environment,
        NODE_ENV: 'test',
      });
      expect(code, output + errors).to.equal(0);
    });
  }
});
