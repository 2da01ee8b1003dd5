import { expect } from 'chai';
import type { BusRecord } from '../../../src/ports/event-bus.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import { collecting, record, withBus } from './given.js';
import type { EventBusTarget } from './target.js';

export const orderClauses = (target: EventBusTarget): void => {
  it(
    'EB-1 keeps the order of each key, on one partition',
    withBus(target, async ({ bus, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const publisher = await bus.publisher();
      const keys = Array.from({ length: 10 }, (_, index) => `anime-${index + 1}`);
      for (let round = 0; round < 20; round += 1) {
        await publisher.publish(keys.map((key) => record(key, `${round}`)));
      }
      await soon(() => expect(seen.records).to.have.length(200));
      const expected = Array.from({ length: 20 }, (_, round) => `${round}`);
      for (const key of keys) {
        expect(seen.texts(key)).to.deep.equal(expected);
        const partitions = seen.records.filter((each) => each.key === key);
        expect(new Set(partitions.map(({ partition }) => partition)).size).to.equal(1);
      }
    }),
  );

  it(
    'EB-1 numbers the offsets of each partition upwards',
    withBus(target, async ({ bus, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const publisher = await bus.publisher();
      const records = Array.from({ length: 50 }, (_, index) => record(`anime-${index}`, 'x'));
      await publisher.publish(records);
      await soon(() => expect(seen.records).to.have.length(50));
      const last = new Map<number, bigint>();
      for (const { partition, offset } of seen.records) {
        expect(offset > (last.get(partition) ?? -1n)).to.be.true;
        last.set(partition, offset);
      }
    }),
  );

  it(
    'EB-1 round-trips keys, values and headers',
    withBus(target, async ({ bus, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const sent: BusRecord[] = [
        { key: 'anime-1', value: null, headers: {} },
        { key: 'anime-1', value: new Uint8Array(0), headers: { ce_type: 'Empty' } },
        {
          key: 'anime-1',
          value: Uint8Array.of(0, 255, 128, 0),
          headers: { ünï: '進撃の巨人 \u0000' },
        },
      ];
      const publisher = await bus.publisher();
      await publisher.publish(sent);
      await soon(() => expect(seen.records).to.have.length(3));
      const got = seen.records.map(({ key, value, headers }) => ({
        key,
        value: value === null ? null : [...value],
        headers: { ...headers },
      }));
      const expected = sent.map(({ key, value, headers }) => ({
        key,
        value: value === null ? null : [...value],
        headers,
      }));
      expect(got).to.deep.equal(expected);
    }),
  );

  it(
    'EB-2 delivers every accepted record',
    withBus(target, async ({ bus, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const publisher = await bus.publisher();
      await publisher.publish([]);
      await publisher.publish([record('anime-1', 'a'), record('anime-2', 'b')]);
      await publisher.publish([record('anime-1', 'c')]);
      await soon(() => expect(seen.texts().toSorted()).to.deep.equal(['a', 'b', 'c']));
    }),
  );

  it(
    'EB-2 refuses with UnavailableError once it is closed',
    withBus(target, async ({ bus }) => {
      const publisher = await bus.publisher();
      await bus.close();
      await bus.close();
      for (const call of [() => publisher.publish([record('anime-1', 'a')]), () => bus.ping()]) {
        const error: unknown = await call().catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(UnavailableError);
      }
    }),
  );

  it(
    'EB-2 refuses on a closed publisher while another goes on',
    withBus(target, async ({ bus, join, freshGroup, soon }) => {
      const seen = collecting();
      await join(freshGroup(), seen.handler);
      const closed = await bus.publisher();
      await closed.close();
      await closed.close();
      const error: unknown = await closed
        .publish([record('anime-1', 'lost')])
        .catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UnavailableError);
      const open = await bus.publisher();
      await open.publish([record('anime-1', 'kept')]);
      await soon(() => expect(seen.texts()).to.deep.equal(['kept']));
    }),
  );
};
