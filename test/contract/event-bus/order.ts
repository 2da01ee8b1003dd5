import { expect } from 'chai';
import type { RecordedEvent } from '../../../src/ports/event-store.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import { collecting, event, LOG_ID, streamIn, withBus } from './given.js';
import type { EventBusTarget } from './target.js';

export const orderClauses = (target: EventBusTarget): void => {
  it(
    'EB-1 keeps the order of each stream, on one partition',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const bridge = await publisher();
      const streams = Array.from({ length: 10 }, (_, index) => `anime-${index + 1}`);
      for (let round = 0; round < 20; round += 1) {
        await bridge.publish(streams.map((stream) => event(stream, `${round}`)));
      }
      await soon(() => expect(seen.items).to.have.length(200));
      const expected = Array.from({ length: 20 }, (_, round) => `${round}`);
      for (const stream of streams) {
        expect(seen.texts(stream)).to.deep.equal(expected);
        const partitions = seen.items.filter((each) => streamIn(each) === stream);
        expect(new Set(partitions.map(({ partition }) => partition)).size).to.equal(1);
      }
    }),
  );

  it(
    'EB-1 numbers the offsets of each partition upwards',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const bridge = await publisher();
      const events = Array.from({ length: 50 }, (_, index) => event(`anime-${index}`, 'x'));
      await bridge.publish(events);
      await soon(() => expect(seen.items).to.have.length(50));
      const last = new Map<number, bigint>();
      for (const { partition, offset } of seen.items) {
        expect(offset > (last.get(partition) ?? -1n)).to.be.true;
        last.set(partition, offset);
      }
    }),
  );

  it(
    'EB-1 delivers what the log recorded of an event, and which log that is',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      const sent: RecordedEvent[] = [
        { ...event('anime-1', ''), metadata: Buffer.from(JSON.stringify({ traceparent })) },
        {
          ...event('anime-1', '進撃の巨人 \u0000'),
          revision: 9_007_199_254_740_991n,
          type: 'Ünï 進撃',
          recordedAt: 1_763_978_400_007,
        },
        {
          ...event('anime-1', ''),
          data: Uint8Array.of(0, 255, 128, 0),
          isJson: false,
          position: { commit: 2n ** 64n - 1n, prepare: 2n ** 64n - 1n },
        },
      ];
      await (await publisher()).publish(sent);
      await (await publisher('another-log')).publish([event('anime-1', 'x')]);
      await soon(() => expect(seen.items).to.have.length(4));
      const got = seen.items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
      const plain = (each: RecordedEvent) => ({
        ...each,
        data: [...each.data],
        metadata: Buffer.from(each.metadata).toString(),
      });
      expect(got.slice(0, 3).map(plain)).to.deep.equal(sent.map(plain));
      expect(seen.items.map(({ logId }) => logId)).to.deep.equal([
        LOG_ID,
        LOG_ID,
        LOG_ID,
        'another-log',
      ]);
    }),
  );

  it(
    'EB-14 delivers a marker in the place of its event',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const bridge = await publisher();
      await bridge.publish([event('anime-1', 'before')]);
      await bridge.publishMarker({ ...event('anime-1', 'too much'), revision: 42n });
      await bridge.publish([event('anime-1', 'after')]);
      await soon(() => expect(seen.texts()).to.deep.equal(['before', null, 'after']));
      const [first, marker] = seen.items;
      expect(marker).to.deep.include({
        kind: 'unreadable',
        reason: 'too-large',
        stream: 'anime-1',
        revision: 42n,
        value: null,
        logId: LOG_ID,
        partition: first?.partition,
      });
    }),
  );

  it(
    'EB-15 delivers what is no event as unreadable, and goes on',
    withBus(target, async ({ publisher, join, putGarbage, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      // Where nobody else can write to the bus, a marker is all that can be unreadable.
      const bridge = await publisher();
      await (putGarbage?.() ?? bridge.publishMarker(event('anime-1', '')));
      await bridge.publish([event('anime-1', 'after')]);
      await soon(() => expect(seen.texts()).to.have.members([null, 'after']));
      const garbage = seen.items.find(({ kind }) => kind === 'unreadable');
      expect(garbage).to.have.property('reason').that.is.a('string').and.is.not.empty;
    }),
  );

  it(
    'EB-2 delivers every accepted record',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const bridge = await publisher();
      await bridge.publish([]);
      await bridge.publish([event('anime-1', 'a'), event('anime-2', 'b')]);
      await bridge.publish([event('anime-1', 'c')]);
      await soon(() => expect(seen.texts().toSorted()).to.deep.equal(['a', 'b', 'c']));
    }),
  );

  it(
    'EB-2 refuses with UnavailableError once it is closed',
    withBus(target, async ({ bus, publisher }) => {
      const bridge = await publisher();
      await bus.close();
      await bus.close();
      for (const call of [() => bridge.publish([event('anime-1', 'a')]), () => bus.ping()]) {
        const error: unknown = await call().catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(UnavailableError);
      }
    }),
  );

  it(
    'EB-2 refuses on a closed publisher while another goes on',
    withBus(target, async ({ publisher, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const closed = await publisher();
      await closed.close();
      await closed.close();
      const error: unknown = await closed
        .publish([event('anime-1', 'lost')])
        .catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UnavailableError);
      const open = await publisher();
      await open.publish([event('anime-1', 'kept')]);
      await soon(() => expect(seen.texts()).to.deep.equal(['kept']));
    }),
  );
};
