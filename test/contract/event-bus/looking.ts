import { expect } from 'chai';
import { event, gated, LOG_ID, streamIn, textOf, withBus } from './given.js';
import type { EventBusTarget } from './target.js';

const STREAMS = Array.from({ length: 12 }, (_, index) => `anime-${index + 1}`);

/** How far the bus is, and which log it keeps. */
export const lookingClauses = (target: EventBusTarget): void => {
  it(
    'EB-13 counts the members of a group, none for an unknown one',
    withBus(target, async ({ bus, join, freshGroup, soon }) => {
      const group = freshGroup();
      expect(await bus.members(group)).to.equal(0);
      const first = await join(group, () => Promise.resolve());
      const second = await join(group, () => Promise.resolve());
      await soon(async () => expect(await bus.members(group)).to.equal(2));
      expect(await bus.members(freshGroup())).to.equal(0);
      await Promise.all([first.stop(), second.stop()]);
      await soon(async () => expect(await bus.members(group)).to.equal(0));
    }),
  );

  if (!target.retains) {
    it(
      'EB-8 has no ends, and EB-9 no record, where nothing is kept',
      withBus(target, async ({ bus, publisher, join, freshGroup }) => {
        await join(freshGroup(), () => Promise.resolve());
        const bridge = await publisher();
        await bridge.publish([event('anime-1', 'a')]);
        expect(await bus.ends()).to.equal(null);
        expect(await bus.sample()).to.equal(null);
      }),
    );

    it(
      'EB-12 has no handled offsets where nothing is kept',
      withBus(target, async ({ bus, publisher, join, freshGroup }) => {
        const group = freshGroup();
        await join(group, () => Promise.resolve());
        const bridge = await publisher();
        await bridge.publish([event('anime-1', 'a')]);
        expect([...(await bus.committed(group))]).to.deep.equal([]);
        expect([...(await bus.committed(freshGroup()))]).to.deep.equal([]);
      }),
    );
    return;
  }

  it(
    'EB-8 returns an end for every partition, also before anything is published',
    withBus(target, async ({ bus }) => {
      const ends = [...((await bus.ends()) ?? [])];
      expect(ends.length).to.be.greaterThan(1);
      expect(ends.map(([partition]) => partition).toSorted((a, b) => a - b)).to.deep.equal(
        ends.map((_, index) => index),
      );
      expect(ends.every(([, end]) => end === 0n)).to.equal(true);
    }),
  );

  it(
    'EB-8 sees every resolved publish, whose offsets are the last before the ends',
    withBus(target, async ({ bus, publisher }) => {
      const bridge = await publisher();
      for (let round = 1; round <= 3; round += 1) {
        const written = await bridge.publish(STREAMS.map((stream) => event(stream, `${round}`)));
        const ends = (await bus.ends()) ?? new Map<number, bigint>();
        expect(written.size).to.be.greaterThan(1);
        for (const [partition, offset] of written) {
          expect(ends.get(partition)).to.equal(offset + 1n);
        }
        const total = [...ends.values()].reduce((sum, end) => sum + end, 0n);
        expect(total).to.equal(BigInt(round * STREAMS.length));
      }
    }),
  );

  it(
    'EB-8 returns the ends that a consumer reaches',
    withBus(target, async ({ bus, publisher, join, freshGroup, soon }) => {
      const seen = new Map<number, bigint>();
      await join(freshGroup(), ({ partition, items }) => {
        for (const { offset } of items) seen.set(partition, offset + 1n);
        return Promise.resolve();
      });
      const bridge = await publisher();
      await bridge.publish(STREAMS.map((stream) => event(stream, 'x')));
      const ends = await bus.ends();
      await soon(() => {
        for (const [partition, end] of ends ?? []) expect(seen.get(partition) ?? 0n).to.equal(end);
      });
    }),
  );

  it(
    'EB-9 has no sample of an empty bus',
    withBus(target, async ({ bus }) => {
      expect(await bus.sample()).to.equal(null);
    }),
  );

  it(
    'EB-9 returns one of the kept records completely',
    withBus(target, async ({ bus, publisher }) => {
      const bridge = await publisher();
      await bridge.publish(STREAMS.map((stream) => event(stream, `of ${stream}`)));
      const sample = await bus.sample();
      if (sample === null) throw new Error('There is no sample.');
      expect(STREAMS).to.include(streamIn(sample));
      expect(textOf(sample)).to.equal(`of ${streamIn(sample)}`);
      expect(sample.logId).to.equal(LOG_ID);
    }),
  );

  it(
    'EB-9 takes no record away from a group by sampling',
    withBus(target, async ({ bus, publisher, join, freshGroup, soon }) => {
      const bridge = await publisher();
      await bridge.publish([event('anime-1', 'a')]);
      await bus.sample();
      const seen: (string | null)[] = [];
      await join(freshGroup(), ({ items }) => {
        seen.push(...items.map(textOf));
        return Promise.resolve();
      });
      await soon(() => expect(seen).to.deep.equal(['a']));
    }),
  );

  it(
    'EB-12 returns the offset after the last record that a group has handled',
    withBus(target, async ({ bus, publisher, join, freshGroup, soon }) => {
      const group = freshGroup();
      const gate = gated(() => Promise.resolve());
      const member = await join(group, gate.handler);
      const bridge = await publisher();
      const written = await bridge.publish([event('anime-1', 'a'), event('anime-1', 'b')]);
      await soon(() => expect(gate.entered).not.to.be.empty);
      // Delivered is not handled.
      expect([...(await bus.committed(group))]).to.deep.equal([]);
      gate.open();
      const after = [...written].map(([partition, offset]) => [partition, offset + 1n]);
      await soon(async () => expect([...(await bus.committed(group))]).to.deep.equal(after));

      await bridge.publish(STREAMS.map((stream) => event(stream, 'x')));
      const ends = [...((await bus.ends()) ?? [])].filter(([, end]) => end > 0n);
      await soon(async () => expect([...(await bus.committed(group))]).to.have.deep.members(ends));
      expect([...(await bus.committed(freshGroup()))]).to.deep.equal([]);

      await member.stop();
      expect([...(await bus.committed(group))]).to.have.deep.members(ends);
      await soon(async () => expect(await bus.forget(group)).to.be.true);
      expect([...(await bus.committed(group))]).to.deep.equal([]);
    }),
  );
};
