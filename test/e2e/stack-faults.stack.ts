import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { gapsIn } from '../support/recording-bus.js';
import { openEventStore } from '../support/stack/event-store.js';
import type { Part } from '../support/stack/compose-parts.js';
import { fourProcesses, type FourProcesses } from '../support/stack/four-processes.js';
import { startOwnKafka } from '../support/stack/kafka.js';
import { startOwnMongodb } from '../support/stack/mongodb.js';
import { publishedEvents } from '../support/stack/published-records.js';
import { expectAnswering, expectBuilt, expectFilling } from '../support/stack/rebuilding.js';
import { orSkip, type StackServer } from '../support/stack/server.js';
import { stopAll } from '../support/stack/stop-all.js';
import {
  expectAuditClean,
  expectMoving,
  expectStoredOnce,
  freshAnimeIds,
  list,
  sendSome,
  startLoad,
  type Load,
} from '../support/stack/story.js';

/** One fault after the other, each under load; the promises hold after every one of them. */
describe('the service in four processes, under a fault', function () {
  this.timeout(180_000);
  let stack: FourProcesses;
  let eventStore: StackServer;
  let kafka: StackServer;
  let mongodb: StackServer;
  let load: Load;
  const animeIds = freshAnimeIds(20);
  const [witness = 0] = animeIds;

  before(async function () {
    this.timeout(300_000);
    // Of their own: others must not see them end, nor what is in the log.
    eventStore = await orSkip(this, 'eventstoredb', openEventStore, { own: true });
    kafka = await orSkip(this, 'kafka', startOwnKafka, { own: true });
    mongodb = await orSkip(this, 'mongodb', startOwnMongodb, { own: true });
    stack = await fourProcesses({
      eventStore: eventStore.address,
      kafka: kafka.address,
      mongodb: mongodb.address,
    });
    await stack.start();
    await list(stack.commandUrl(), animeIds);
    await expectMoving(stack, witness);
  });
  after(() => stopAll([stack, kafka, mongodb, eventStore]));

  beforeEach(async () => {
    load = startLoad(() => stack.commandUrl(), animeIds);
    await sendSome(load, 100);
  });

  /** The load ends; whatever was acknowledged is there once, in order, and in the documents. */
  afterEach(async () => {
    await load.finish();
  });

  const expectPromisesKept = async (): Promise<void> => {
    await expectMoving(stack, witness);
    await sendSome(load, 100);
    await load.finish();
    await expectStoredOnce(stack.commandUrl(), load.acknowledged);
    await expectMoving(stack, witness);
    await expectAuditClean(stack);
    const published = await publishedEvents(stack);
    expect(gapsIn(published)).to.deep.equal([]);
  };

  const kill = async (part: Part): Promise<void> => {
    await stack.end([part], 'SIGKILL');
    await stack.start([part]);
  };

  it('loses and duplicates no event when the projector is killed while it fills a new version', async () => {
    await sendSome(load, 2_000);
    await load.finish();
    await expectStoredOnce(stack.commandUrl(), load.acknowledged);
    // Fewer of them, so that on a small machine the versions can be compared meanwhile.
    load = startLoad(() => stack.commandUrl(), animeIds, 2);
    const building = stack.job('rebuild');
    await eventually(() => expectFilling(stack, 'v2'), { withinMs: 30_000 });
    await stack.end(['projector'], 'SIGKILL');
    expect((await stack.job('rebuild', 'status')).output).to.match(/^v2 +building /m);
    await stack.start(['projector']);
    await expectBuilt(stack, await building);
    expect(await stack.job('rebuild', 'promote')).to.include({ output: 'v2 is active.\n' });
    await eventually(() => expectAnswering(stack, 'v2'));
    await expectMoving(stack, witness);
    expect(await stack.job('rebuild', 'rollback')).to.include({ output: 'v1 is active.\n' });
    await eventually(() => expectAnswering(stack, 'v1'));
    await expectMoving(stack, witness);
    await expectPromisesKept();
    await expectAuditClean(stack, 'v2');
    expect(await stack.job('rebuild', 'prune', 'v2')).to.include({ code: 0 });
    await expectMoving(stack, witness);
    await expectAuditClean(stack);
  }).timeout(300_000);

  for (const part of ['bridge', 'projector', 'command-api'] as const) {
    it(`loses and duplicates no event when the ${part} is killed`, async () => {
      await kill(part);
      await expectPromisesKept();
    });
  }

  it('loses and duplicates no event when the broker is killed and restarted', async () => {
    await kafka.kill();
    await sendSome(load, 100);
    await kafka.start();
    await expectPromisesKept();
  });

  it('loses and duplicates no event when the document store is killed and restarted', async () => {
    await mongodb.kill();
    await sendSome(load, 100);
    await mongodb.start();
    await expectPromisesKept();
  });

  it('loses and duplicates no event when the leader of two bridges is killed', async () => {
    const second = await stack.second('bridge');
    await sendSome(load, 100);
    await stack.end(['bridge'], 'SIGKILL');
    await expectPromisesKept();
    expect(await second.end('SIGTERM')).to.equal(0);
    await stack.start(['bridge']);
  });

  it('loses and duplicates no event when the leading bridge is paused past its lease and resumes', async () => {
    const leader = stack.process('bridge').pid;
    const second = await stack.second('bridge');
    process.kill(leader, 'SIGSTOP');
    await expectMoving(stack, witness);
    process.kill(leader, 'SIGCONT');
    await expectPromisesKept();
    expect(await second.end('SIGTERM')).to.equal(0);
  });
});
