import { expect } from 'chai';
import { metricOf, scrape } from '../../bench/support/scrape.js';
import { expectHistoryKept, sendSome } from '../support/command-history.js';
import { eventually } from '../support/eventually.js';
import { FULL } from '../support/faults.js';
import type { Part } from '../support/stack/compose-parts.js';
import { expectAnswering, expectBuilt, expectFilling } from '../support/stack/rebuilding.js';
import { orSkip } from '../support/stack/server.js';
import { expectAuditClean, expectMoving } from '../support/stack/story.js';
import { throttleClients } from '../support/stack/kafka-quota.js';
import { stackUnderLoad } from '../support/stack/under-load.js';

/** One fault after the other, each under load; the promises hold after every one of them. */
describe('the service in four processes, under a fault', function () {
  this.timeout(180_000);
  const given = stackUnderLoad();
  const { witness, expectPromisesKept } = given;

  const kill = async (...parts: readonly Part[]): Promise<void> => {
    await given.stack.end(parts, 'SIGKILL');
    await given.stack.start(parts);
  };

  // First, since it takes as long as the log does.
  if (FULL) {
    it('loses and duplicates no event when the projector is killed while it fills a new version', async () => {
      const { stack } = given;
      // So many that the projector is killed before it has all of them.
      await given.restartLoad({ paceMs: 0 });
      await sendSome(given.load, 2_000, { withinMs: 60_000 });
      await given.load.finish();
      await expectHistoryKept(stack.commandUrl(), given.load);
      await given.restartLoad();
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
    }).timeout(400_000);
  }

  it('loses and duplicates no event when command API, bridge and projector are killed at once', async () => {
    await kill('command-api', 'bridge', 'projector');
    await expectPromisesKept();
  });

  it('loses and duplicates no event when the event store is killed and restarted', async function () {
    const { eventStore, load } = given;
    if (!eventStore.ours) this.skip();
    await eventStore.kill();
    if (FULL) await sendSome(load, 100, { outcome: 'unavailable' });
    await eventStore.start();
    await expectPromisesKept();
  });

  it('loses and duplicates no event when the leading bridge is paused past its lease and resumes', async () => {
    const { stack } = given;
    const leader = stack.process('bridge').pid;
    const second = await stack.second('bridge');
    process.kill(leader, 'SIGSTOP');
    await expectMoving(stack, witness);
    process.kill(leader, 'SIGCONT');
    await expectPromisesKept();
    expect(await second.end('SIGTERM')).to.equal(0);
  });

  if (!FULL) return;

  for (const part of ['bridge', 'projector', 'command-api'] as const) {
    it(`loses and duplicates no event when the ${part} is killed`, async () => {
      await kill(part);
      await expectPromisesKept();
    });
  }

  it('loses and duplicates no event when the broker is killed and restarted', async () => {
    const { kafka, load } = given;
    await kafka.kill();
    await sendSome(load, 100);
    await kafka.start();
    await expectPromisesKept();
  });

  it('loses and duplicates no event when the broker throttles every client', async function () {
    const { kafka, load, stack } = given;
    const throttled = () => throttleClients(kafka.address, 2_000).then(() => kafka);
    await orSkip(this, 'kafka', throttled, { own: true });
    try {
      await sendSome(load, 300);
      const waiting = async (): Promise<number> =>
        metricOf(
          await scrape(stack.process('bridge').healthUrl),
          'anime_analytics_bridge_waiting_events',
        );
      await eventually(async () => expect(await waiting()).to.be.above(20), { withinMs: 30_000 });
    } finally {
      await throttleClients(kafka.address, null);
    }
    await expectPromisesKept();
  });

  it('loses and duplicates no event when the document store is killed and restarted', async () => {
    const { mongodb, load } = given;
    await mongodb.kill();
    await sendSome(load, 100);
    await mongodb.start();
    await expectPromisesKept();
  });

  it('loses and duplicates no event when the leader of two bridges is killed', async () => {
    const { stack, load } = given;
    const second = await stack.second('bridge');
    await sendSome(load, 100);
    await stack.end(['bridge'], 'SIGKILL');
    await expectPromisesKept();
    expect(await second.end('SIGTERM')).to.equal(0);
    await stack.start(['bridge']);
  });
});
