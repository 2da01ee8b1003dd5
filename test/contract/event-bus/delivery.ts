import { expect } from 'chai';
import type { BatchHandler } from '../../../src/ports/event-bus.js';
import { collecting, event, gated, streamIn, textOf, withBus } from './given.js';
import type { EventBusTarget } from './target.js';

const failing = (times: number, inner: BatchHandler) => {
  const attempts: (string | null)[][] = [];
  const handler: BatchHandler = async (batch) => {
    attempts.push(batch.items.map(textOf));
    if (attempts.length <= times) throw new Error('Not this time.');
    await inner(batch);
  };
  return { attempts, handler };
};

export const deliveryClauses = (target: EventBusTarget): void => {
  it(
    'EB-3 delivers a batch again from its first item when its handler throws',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const seen = collecting();
      const fails = failing(3, seen.handler);
      await join(freshGroup(), fails.handler);
      const bridge = await publisher();
      const values = ['a', 'b', 'c', 'd'];
      const published = bridge.publish(values.map((value) => event('anime-1', value)));
      await soon(() => expect(seen.texts()).to.deep.equal(values));
      await published;
      const firsts = fails.attempts.slice(0, 4).map(([first]) => first);
      expect(firsts).to.deep.equal(['a', 'a', 'a', 'a']);
    }),
  );

  it(
    'EB-3 delivers other partitions while one is redelivered',
    withBus(target, async ({ publisher, join, streamsApart, freshGroup, soon }) => {
      const group = freshGroup();
      const [bad, good] = await streamsApart(group);
      const seen = collecting();
      let mended = false;
      await join(group, async (batch) => {
        if (!mended && batch.items.some((item) => streamIn(item) === bad))
          throw new Error('Poison.');
        await seen.handler(batch);
      });
      const bridge = await publisher();
      const stuck = bridge.publish([event(bad, '1')]);
      const following = bridge.publish([event(bad, '2')]);
      const free = bridge.publish([event(good, '1'), event(good, '2')]);
      await soon(() => expect(seen.texts(good)).to.deep.equal(['1', '2']));
      expect(seen.texts(bad)).to.deep.equal([]);
      mended = true;
      await soon(() => expect(seen.texts(bad)).to.deep.equal(['1', '2']));
      await Promise.all([stuck, following, free]);
    }),
  );

  it(
    'EB-4 gives every group every item',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const [one, other] = [collecting(), collecting()];
      await join(freshGroup(), one.handler);
      await join(freshGroup(), other.handler);
      const bridge = await publisher();
      await bridge.publish([event('anime-1', 'a'), event('anime-1', 'b')]);
      for (const seen of [one, other]) {
        await soon(() => expect(seen.texts()).to.deep.equal(['a', 'b']));
      }
    }),
  );

  it(
    'EB-4 keeps what is published before the first group joins',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const bridge = await publisher();
      const published = bridge.publish([event('anime-1', 'a'), event('anime-1', 'b')]);
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      await soon(() => expect(seen.texts()).to.deep.equal(['a', 'b']));
      await published;
    }),
  );

  if (target.retains) {
    it(
      'EB-4 starts a new group at the first item',
      withBus(target, async ({ publisher, join, freshGroup, soon }) => {
        const bridge = await publisher();
        await bridge.publish([event('anime-1', 'a'), event('anime-1', 'b')]);
        const [early, late] = [collecting(), collecting()];
        await join(freshGroup(), early.handler);
        await soon(() => expect(early.texts()).to.deep.equal(['a', 'b']));
        await join(freshGroup(), late.handler);
        await soon(() => expect(late.texts()).to.deep.equal(['a', 'b']));
      }),
    );
  }

  it(
    'EB-10 forgets a group without members, and no other',
    withBus(target, async ({ bus, publisher, join, freshGroup, soon }) => {
      const group = freshGroup();
      const seen = collecting();
      const member = await join(group, seen.handler);
      const bridge = await publisher();
      await bridge.publish([event('anime-1', 'a'), event('anime-1', 'b')]);
      await soon(() => expect(seen.texts()).to.deep.equal(['a', 'b']));
      expect(await bus.forget(group)).to.be.false;
      await member.stop();
      await soon(async () => expect(await bus.forget(group)).to.be.true);
      expect(await bus.forget(freshGroup())).to.be.true;
      if (!target.retains) return;
      const again = collecting();
      await join(group, again.handler);
      await soon(() => expect(again.texts()).to.deep.equal(['a', 'b']));
    }),
  );

  it(
    'EB-5 handles batches of one partition one at a time',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const running = new Map<number, number>();
      let most = 0;
      const seen = collecting();
      await join(freshGroup(), async (batch) => {
        const now = (running.get(batch.partition) ?? 0) + 1;
        running.set(batch.partition, now);
        most = Math.max(most, now);
        await new Promise((resolve) => setImmediate(resolve));
        await seen.handler(batch);
        running.set(batch.partition, now - 1);
      });
      const bridge = await publisher();
      const events = Array.from({ length: 100 }, (_, index) => event('anime-1', `${index}`));
      await Promise.all(events.map((each) => bridge.publish([each])));
      await soon(() => expect(seen.items).to.have.length(100));
      expect(most).to.equal(1);
    }),
  );

  it(
    'EB-6 gives a slow handler no second batch of the partition, and holds back the rest',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const seen = collecting();
      const gate = gated(seen.handler);
      await join(freshGroup(), gate.handler);
      const bridge = await publisher();
      let published = 0;
      const publishing = (async () => {
        for (let index = 0; index < 50; index += 1) {
          await bridge.publish([event('anime-1', `${index}`)]);
          published += 1;
        }
      })();
      await soon(() => expect(gate.entered).to.have.length(1));
      if (!target.retains) expect(published).to.equal(0);
      else await publishing;
      expect(gate.entered).to.have.length(1);
      gate.open();
      await publishing;
      const all = Array.from({ length: 50 }, (_, index) => `${index}`);
      await soon(() => expect(seen.texts()).to.deep.equal(all));
    }),
  );

  it(
    'EB-7 stops only after the running handler, and may be stopped twice',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const seen = collecting();
      const gate = gated(seen.handler);
      const member = await join(freshGroup(), gate.handler);
      expect(member.healthy()).to.be.true;
      const bridge = await publisher();
      const published = bridge.publish([event('anime-1', 'a')]);
      await soon(() => expect(gate.entered).to.have.length(1));
      let stopped = false;
      const stopping = Promise.all([member.stop(), member.stop()]).then(() => (stopped = true));
      await new Promise((resolve) => setImmediate(resolve));
      expect(stopped).to.be.false;
      gate.open();
      await stopping;
      await published;
      expect(seen.texts()).to.deep.equal(['a']);
      expect(member.healthy()).to.be.false;
    }),
  );

  it(
    'EB-7 delivers what a member did not handle to the next one of its group',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const group = freshGroup();
      const fails = failing(Infinity, () => Promise.resolve());
      const first = await join(group, fails.handler);
      const bridge = await publisher();
      const published = bridge.publish([event('anime-1', 'a'), event('anime-1', 'b')]);
      await soon(() => expect(fails.attempts).not.to.be.empty);
      await first.stop();
      const seen = collecting();
      await join(group, seen.handler);
      await soon(() => expect(seen.texts()).to.deep.equal(['a', 'b']));
      await published;
    }),
  );

  it(
    'EB-7 shares the partitions of a group without handling a record twice',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const group = freshGroup();
      const [one, other] = [collecting(), collecting()];
      const first = await join(group, one.handler);
      await join(group, other.handler);
      const bridge = await publisher();
      const values = Array.from({ length: 40 }, (_, index) => `${index}`);
      await bridge.publish(values.map((value) => event(`anime-${value}`, value)));
      const all = () => [...one.texts(), ...other.texts()].toSorted();
      await soon(() => expect(all()).to.deep.equal(values.toSorted()));
      await first.stop();
      await bridge.publish([event('anime-1', 'later'), event('anime-2', 'later')]);
      await soon(() => expect(other.texts().filter((text) => text === 'later')).to.have.length(2));
    }),
  );

  it(
    'EB-11 is unhealthy while a batch keeps failing, and healthy once it succeeds',
    withBus(target, async ({ publisher, consumer, freshGroup, soon }) => {
      const seen = collecting();
      const attempts: { readonly at: number; readonly healthy: boolean }[] = [];
      let mended = false;
      const member = consumer(freshGroup());
      await member.start(async (batch) => {
        attempts.push({ at: performance.now(), healthy: member.healthy() });
        if (!mended) throw new Error('Not this time.');
        await seen.handler(batch);
      });
      const bridge = await publisher();
      const published = bridge.publish([event('anime-1', 'a')]);
      await soon(() => expect(member.healthy()).to.be.false);
      const [first] = attempts;
      expect(first?.healthy).to.be.true;
      const failedForMs = performance.now() - (first?.at ?? 0);
      expect(failedForMs).to.be.at.least(target.unhealthyAfterMs);
      mended = true;
      await soon(() => expect(seen.texts()).to.deep.equal(['a']));
      await published;
      await soon(() => expect(member.healthy()).to.be.true);
      expect(attempts.length).to.be.greaterThan(2);
    }),
  );
};
