import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { checkpointStreamOf } from '../../src/bridge/checkpoint.js';
import { bridging } from '../support/bridging.js';
import { eventually } from '../support/eventually.js';
import { animeId, events } from '../support/examples.js';
import { logOf, type Happening } from '../support/histories.js';
import type { InMemoryEventStore } from '../support/in-memory-event-store.js';
import { recordingBus } from '../support/recording-bus.js';

const CLICKS: readonly Happening[] = Array.from({ length: 4 }, (_, index) => ({
  anime: index + 1,
  event: { ...events.click, data: { ...events.click.data, animeId: animeId(index + 1) } },
}));

/** Runs a bridge until it has published all there is, and answers how many events that were. */
const publishAll = async (
  eventStore: InMemoryEventStore,
  names: { readonly name: string; readonly formerName?: string },
): Promise<number> => {
  const bus = recordingBus();
  const bridge = bridging({ eventStore, bus, ...names });
  await bridge.start();
  await eventually(() => {
    expect(bridge.status()).to.include({ caughtUp: true, waitingEvents: 0 });
  });
  await bridge.stop();
  return bus.published.length;
};

const oneMoreClick = (store: InMemoryEventStore, index: number): void => {
  const [click] = store.log;
  if (click === undefined) throw new Error('The log is empty.');
  const id = `00000000-0000-4000-8000-0000000000f${index}`;
  store.record('anime-9', { id, type: click.type, data: click.data, metadata: {} });
};

describe('bridges of different names on one log', () => {
  it('each publish the whole log at the same time', async () => {
    const { store: eventStore } = logOf(CLICKS);
    const buses = [recordingBus(), recordingBus()];
    const bridges = buses.map((bus, index) =>
      bridging({ eventStore, bus, name: `documents-${index}`, takeOverAfterMs: 10_000 }),
    );
    for (const bridge of bridges) await bridge.start();
    for (const bus of buses) {
      await eventually(() => expect(bus.published).to.have.length(CLICKS.length));
    }
    expect(bridges.map((bridge) => bridge.status().role)).to.deep.equal(['leading', 'leading']);
    for (const bridge of bridges) await bridge.stop();
  });

  it('continue once from a former name, and then from their own', async () => {
    const { store } = logOf(CLICKS);
    const renamed = { name: 'documents', formerName: 'main' };
    expect(await publishAll(store, { name: 'main' })).to.equal(CLICKS.length);
    oneMoreClick(store, 1);
    expect(await publishAll(store, renamed)).to.equal(1);
    await store.deleteStream(checkpointStreamOf('main'));
    oneMoreClick(store, 2);
    expect(await publishAll(store, renamed)).to.equal(1);
  });

  it('do not wait for the owner of the former name', async () => {
    const { store: eventStore } = logOf(CLICKS);
    const before = bridging({ eventStore, bus: recordingBus(), takeOverAfterMs: 10_000 });
    await before.start();
    await eventually(() => expect(before.status()).to.include({ caughtUp: true }));
    const bus = recordingBus();
    const renamed = { name: 'documents', formerName: 'main', takeOverAfterMs: 10_000 };
    const bridge = bridging({ eventStore, bus, ...renamed });
    await bridge.start();
    await eventually(() => expect(bridge.status().role).to.equal('leading'));
    expect(before.status().role).to.equal('leading');
    await Promise.all([bridge.stop(), before.stop()]);
  });

  it('of the same name and different brokers: the standby is unhealthy until it publishes', async () => {
    const { store: eventStore } = logOf(CLICKS);
    const [ours, theirs] = [true, true].map((keeps) => recordingBus(undefined, { keeps }));
    if (ours === undefined || theirs === undefined) expect.fail();
    const leader = bridging({ eventStore, bus: theirs, checkpointEveryMs: 2 });
    await leader.start();
    await eventually(() => expect(theirs.published).to.have.length(CLICKS.length));
    let later = 0;
    const monotonic = () => performance.now() + later;
    const standby = bridging({ eventStore, bus: ours, takeOverAfterMs: 600_000, monotonic });
    await standby.start();
    await eventually(() => {
      expect(standby.status()).to.include({ role: 'standby' });
      expect(standby.status().problem).to.contain('KAFKA_TOPIC');
    });
    later = 20_000;
    expect(standby.status().healthy).to.be.false;
    await leader.stop();
    await eventually(() => expect(ours.published).to.have.length(CLICKS.length));
    expect(standby.status()).to.include({ role: 'leading', problem: null });
    expect(standby.status().healthy).to.be.true;
    await standby.stop();
  });

  it('of the same name and topic: the standby is healthy', async () => {
    const { store: eventStore } = logOf(CLICKS);
    const bus = recordingBus(undefined, { keeps: true });
    let asked = 0;
    const ends = () => {
      asked += 1;
      return bus.ends();
    };
    const leader = bridging({ eventStore, bus, checkpointEveryMs: 2 });
    await leader.start();
    await eventually(() => expect(bus.published).to.have.length(CLICKS.length));
    const standby = bridging({ eventStore, bus: { ...bus, ends }, takeOverAfterMs: 600_000 });
    await standby.start();
    await eventually(() => expect(asked).to.be.above(2));
    expect(standby.status()).to.include({ role: 'standby', problem: null });
    await leader.stop();
    await standby.stop();
  });

  it('of the same name: what a standby learns of the topic too late counts no more', async () => {
    const { store: eventStore } = logOf(CLICKS);
    const [ours, theirs] = [true, true].map((keeps) => recordingBus(undefined, { keeps }));
    if (ours === undefined || theirs === undefined) expect.fail();
    const leader = bridging({ eventStore, bus: theirs, checkpointEveryMs: 2 });
    await leader.start();
    await eventually(() => expect(theirs.published).to.have.length(CLICKS.length));
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    let asked = 0;
    const ends = async () => {
      asked += 1;
      if (asked > 1) return ours.ends();
      await answered;
      return new Map([[0, 0n]]);
    };
    const standby = bridging({ eventStore, bus: { ...ours, ends }, takeOverAfterMs: 600_000 });
    await standby.start();
    await eventually(() => expect(asked).to.be.at.least(1));
    await leader.stop();
    await eventually(() => expect(standby.status().role).to.equal('leading'));
    await eventually(() => expect(ours.published).to.have.length(CLICKS.length));
    answer();
    await nextTurn();
    expect(standby.status().problem).to.equal(null);
    await standby.stop();
  });
});
