import { expect } from 'chai';
import { checkpointStreamOf } from '../../src/bridge/checkpoint.js';
import {
  OutcomeUnknownError,
  PortError,
  TooLargeError,
  UnavailableError,
} from '../../src/ports/errors.js';
import type { Position } from '../../src/ports/event-store.js';
import { bridging } from '../support/bridging.js';
import { eventually } from '../support/eventually.js';
import { animeId, events } from '../support/examples.js';
import { logOf, type Happening } from '../support/histories.js';
import type { InMemoryEventStore } from '../support/in-memory-event-store.js';
import { gapsIn, recordingBus } from '../support/recording-bus.js';
import { recordingLogger } from '../support/recording-logger.js';
import { rejectionOf } from '../support/rejection-of.js';

const click = (anime: number): Happening => ({
  anime,
  event: { ...events.click, data: { ...events.click.data, animeId: animeId(anime) } },
});

const clicks = (count: number, animes = 3): Happening[] =>
  Array.from({ length: count }, (_, index) => click((index % animes) + 1));

const happens = (store: InMemoryEventStore, count: number): void => {
  for (const event of logOf(clicks(count)).store.log) {
    store.record(event.stream, { ...event, metadata: {} });
  }
};

const checkpointsOf = async (store: InMemoryEventStore) => {
  const read: Record<string, unknown>[] = [];
  for await (const { data } of store.read(checkpointStreamOf('main'))) {
    read.push(JSON.parse(new TextDecoder().decode(data)) as Record<string, unknown>);
  }
  return read;
};

const soonPublished = (bus: ReturnType<typeof recordingBus>, count: number) =>
  eventually(() => expect(new Set(bus.places()).size).to.equal(count));

describe('bridge', () => {
  it('forwards existing and new events in order, and releases the lease when it stops', async () => {
    const { store } = logOf(clicks(7));
    const bus = recordingBus();
    const bridge = bridging({ eventStore: store, bus });
    await bridge.start();
    await soonPublished(bus, 7);
    await eventually(() => expect(bridge.status()).to.include({ caughtUp: true, role: 'leading' }));
    happens(store, 3);
    await soonPublished(bus, 10);
    expect(bridge.status().healthy).to.be.true;
    await Promise.all([bridge.stop(), bridge.stop()]);
    expect(bridge.status().healthy).to.be.false;
    expect(gapsIn(bus.events())).to.deep.equal([]);
    expect(bus.published).to.have.length(10);
    // The very objects that were read: nothing is wrapped on the way.
    expect(store.log).to.include.members(bus.events());
    const last = (await checkpointsOf(store)).at(-1);
    expect(last).to.deep.include({
      state: 'released',
      position: { commit: '1100', prepare: '1100' },
    });
  });

  it('continues after the checkpoint, without a repeat after a clean stop', async () => {
    const { store } = logOf(clicks(5));
    for (const expected of [5, 8]) {
      const bus = recordingBus();
      const bridge = bridging({ eventStore: store, bus });
      await bridge.start();
      const fresh = expected === 5 ? 5 : 3;
      await soonPublished(bus, fresh);
      await bridge.stop();
      expect(bus.published).to.have.length(fresh);
      happens(store, 3);
    }
  });

  it('shows from where it continues before it has published anything', async () => {
    const { store } = logOf(clicks(5));
    const stuck = () => recordingBus(() => new Promise(() => undefined));
    const fresh = bridging({ eventStore: store, bus: stuck(), drainTimeoutMs: 10 });
    await fresh.start();
    await eventually(() => expect(fresh.status().waitingEvents).to.equal(5));
    expect(fresh.status()).to.include({ role: 'leading', position: null });
    await fresh.stop();
    const bus = recordingBus();
    const first = bridging({ eventStore: store, bus });
    await first.start();
    await soonPublished(bus, 5);
    await first.stop();
    happens(store, 3);
    const { position } = (await checkpointsOf(store)).at(-1) ?? {};
    const bridge = bridging({ eventStore: store, bus: stuck(), drainTimeoutMs: 10 });
    await bridge.start();
    await eventually(() => expect(bridge.status().waitingEvents).to.equal(3));
    const { commit, prepare } = bridge.status().position ?? {};
    expect({ commit: `${commit}`, prepare: `${prepare}` }).to.deep.equal(position);
    await bridge.stop();
  });

  it('omits system events and other streams', async () => {
    const { store } = logOf(clicks(1));
    const note = { data: new Uint8Array(), metadata: {} };
    store.record('anime-1', { ...note, id: 'a', type: '$note' });
    store.record('snapshot-anime-1', { ...note, id: 'b', type: 'Snapshot' });
    const bus = recordingBus();
    const bridge = bridging({ eventStore: store, bus });
    await bridge.start();
    happens(store, 1);
    await eventually(() => expect(bus.places()).to.deep.equal(['anime-1@0', 'anime-1@2']));
    await bridge.stop();
  });

  it('continues behind events of other streams, which are not read again', async () => {
    const { store } = logOf(clicks(1));
    const other = { id: 'a', type: 'Snapshot', data: new Uint8Array(), metadata: {} };
    const { position } = store.record('snapshot-anime-1', other);
    const bridge = bridging({ eventStore: store, bus: recordingBus() });
    await bridge.start();
    const isBehind = (commit = 0n) => commit >= position.commit;
    await eventually(() => expect(bridge.status().position?.commit).to.satisfy(isBehind));
    await bridge.stop();
    const saved = (await checkpointsOf(store)).at(-1)?.['position'] as { readonly commit: string };
    expect(BigInt(saved.commit)).to.satisfy(isBehind);
  });

  it('publishes one batch at a time while the next one grows within its bounds', async () => {
    const { store } = logOf(clicks(100));
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const bus = recordingBus(() => opened);
    const bridge = bridging({ eventStore: store, bus, maxBatchEvents: 20 });
    await bridge.start();
    await eventually(() => expect(bridge.status().waitingEvents).to.be.at.least(20));
    expect(bridge.status().waitingEvents).to.be.at.most(40);
    open();
    await soonPublished(bus, 100);
    await bridge.stop();
    expect(bus.mostInFlight()).to.equal(1);
    expect(Math.max(...bus.batches)).to.equal(20);
  });

  it('bounds a batch by bytes', async () => {
    const { store } = logOf(clicks(100));
    const sizes = store.log.map(({ data }) => data.byteLength + 400);
    const bus = recordingBus();
    const maxBatchBytes = 3 * Math.max(...sizes);
    expect(Math.min(...sizes)).to.equal(Math.max(...sizes));
    const bridge = bridging({ eventStore: store, bus, maxBatchBytes });
    await bridge.start();
    await soonPublished(bus, 100);
    await bridge.stop();
    expect(Math.max(...bus.batches)).to.equal(3);
  });

  it('retries the same batch with the same publisher until the bus accepts it', async () => {
    const { store } = logOf(clicks(10));
    let left = 5;
    const bus = recordingBus(() => {
      left -= 1;
      if (left >= 0) throw new UnavailableError('The bus is down.');
    });
    const bridge = bridging({ eventStore: store, bus });
    await bridge.start();
    await soonPublished(bus, 10);
    await bridge.stop();
    expect(bus.publishers()).to.equal(1);
    expect(bus.published).to.have.length(10);
  });

  for (const [name, error] of [
    ['denies access', new PortError('ACCESS_DENIED', 'Kafka denies access.', false)],
    ['has a bug', new TypeError('undefined is no function.')],
  ] as const) {
    it(`refuses to go on, and says why, where the bus ${name}`, async () => {
      const { store } = logOf(clicks(10));
      const bus = recordingBus(() => {
        throw error;
      });
      const bridge = bridging({ eventStore: store, bus });
      await bridge.start();
      await eventually(() => expect(bridge.status().role).to.equal('refusing'));
      expect(bridge.status()).to.include({ healthy: false, problem: error.message });
      expect(bus.published).to.deep.equal([]);
      expect(bridge.deadLetters.letters).to.deep.equal([]);
      expect((await checkpointsOf(store)).at(-1)).to.include({ state: 'released', position: null });
      await bridge.stop();
    });
  }

  it('refuses to go on where its checkpoint may not be written', async () => {
    const { store } = logOf(clicks(3));
    let writes = 0;
    const denying: typeof store = {
      ...store,
      append: async (...call) => {
        writes += 1;
        if (writes > 1) throw new PortError('ACCESS_DENIED', 'Access is denied.', false);
        return await store.append(...call);
      },
    };
    const bridge = bridging({ eventStore: denying, bus: recordingBus(), checkpointEveryMs: 1 });
    await bridge.start();
    await eventually(() => expect(bridge.status().role).to.equal('refusing'));
    expect(bridge.status().problem).to.equal('Access is denied.');
    await bridge.stop();
  });

  it('replaces an event that is too large by a marker and a dead letter', async () => {
    const { store } = logOf(clicks(9, 1));
    const id = '10000000-0000-4000-8000-000000000000';
    const data = new Uint8Array(5_000);
    store.record('anime-1', { id, type: 'Huge', data, metadata: {} });
    happens(store, 5);
    const bus = recordingBus((published) => {
      const sizes = published.map(({ event, isMarker }) => (isMarker ? 0 : event.data.byteLength));
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      if (bytes > 1_000) throw new TooLargeError('Too large for the bus.');
    });
    const bridge = bridging({ eventStore: store, bus });
    await bridge.start();
    await soonPublished(bus, 15);
    await bridge.stop();
    expect(gapsIn(bus.events())).to.deep.equal([]);
    const markers = bus.published.filter(({ isMarker }) => isMarker);
    expect(markers.map(({ event }) => [event.id, event.revision])).to.deep.equal([[id, 9n]]);
    expect(
      bridge.deadLetters.letters.map(({ stream, revision }) => [stream, revision]),
    ).to.deep.equal([['anime-1', 9]]);
  });

  it('starts again after its checkpoint where the event store ends its subscription', async () => {
    const { store } = logOf(clicks(12));
    let subscriptions = 0;
    const dropping: typeof store = {
      ...store,
      async *subscribeToAll(options) {
        subscriptions += 1;
        const drop = subscriptions;
        let left = 4;
        for await (const delivery of store.subscribeToAll(options)) {
          yield delivery;
          left -= 1;
          if (left > 0 || drop > 4) continue;
          if (drop % 2 === 1) return;
          throw new UnavailableError('Not now.');
        }
      },
    };
    const bus = recordingBus();
    const { logger, told } = recordingLogger();
    const bridge = bridging({ eventStore: dropping, bus, logger });
    await bridge.start();
    await soonPublished(bus, 12);
    await bridge.stop();
    expect(bus.published).to.have.length(12);
    const restarts = told().filter((line) => line === 'warn The bridge failed; restarting');
    expect(restarts).to.have.length.at.least(3);
  });

  it('is unhealthy where a dropped subscription is not resumed within 15 s', async () => {
    const { store } = logOf(clicks(3));
    let resume = (): void => undefined;
    const resumed = new Promise<void>((resolve) => (resume = resolve));
    const dropped: typeof store = {
      ...store,
      async *subscribeToAll(options) {
        options.onDrop?.('unavailable');
        await resumed;
        yield* store.subscribeToAll(options);
      },
    };
    let clock = 0;
    const monotonic = () => clock;
    const bridge = bridging({ eventStore: dropped, bus: recordingBus(), monotonic });
    await bridge.start();
    await eventually(() =>
      expect(bridge.status().problem).to.equal('The subscription was dropped: unavailable.'),
    );
    expect(bridge.status().healthy).to.be.true;
    clock += 15_000;
    expect(bridge.status().healthy).to.be.false;
    resume();
    await eventually(() => expect(bridge.status()).to.include({ healthy: true, problem: null }));
    await bridge.stop();
  });

  it('counts by reason the drops that the event store resumes', async () => {
    const { store } = logOf(clicks(3));
    const resuming: typeof store = {
      ...store,
      subscribeToAll(options) {
        options.onDrop?.('slow-consumer');
        return store.subscribeToAll(options);
      },
    };
    const bus = recordingBus();
    const bridge = bridging({ eventStore: resuming, bus });
    await bridge.start();
    await soonPublished(bus, 3);
    await bridge.stop();
    const drops = (await bridge.metrics.bridgeDrops.get()).values;
    expect(drops.filter(({ value }) => value > 0)).to.deep.equal([
      { labels: { reason: 'slow-consumer' }, value: 1 },
    ]);
  });

  for (const [name, error] of [
    ['the store denies access', new PortError('ACCESS_DENIED', 'Access to $all is denied.', false)],
    ['there is a bug', new TypeError('undefined is no function.')],
  ] as const) {
    it(`stops with the reason where ${name}, after publishing what was read`, async () => {
      const { store } = logOf(clicks(4));
      let subscriptions = 0;
      const failing: typeof store = {
        ...store,
        async *subscribeToAll(options) {
          subscriptions += 1;
          let left = 4;
          for await (const delivery of store.subscribeToAll(options)) {
            yield delivery;
            left -= 1;
            if (left === 0) throw error;
          }
        },
      };
      const bus = recordingBus();
      const bridge = bridging({ eventStore: failing, bus });
      await bridge.start();
      await eventually(() => expect(bridge.status().role).to.equal('refusing'));
      expect(bridge.status().problem).to.equal(error.message);
      expect(bridge.status().healthy).to.be.false;
      expect(subscriptions).to.equal(1);
      expect(bus.published).to.have.length(4);
      expect((await checkpointsOf(store)).at(-1)).to.include({ state: 'released' });
      await bridge.stop();
    });
  }

  it('writes a checkpoint every so many events, and as a heartbeat when idle', async () => {
    const { store } = logOf(clicks(30));
    const bus = recordingBus();
    const bridge = bridging({
      eventStore: store,
      bus,
      maxBatchEvents: 10,
      checkpointEveryEvents: 10,
      checkpointEveryMs: 1e6,
    });
    await bridge.start();
    await eventually(async () => expect(await checkpointsOf(store)).to.have.length.at.least(3));
    await bridge.stop();
    const idle = bridging({ eventStore: store, bus, checkpointEveryMs: 2 });
    await idle.start();
    await eventually(() => {
      const written = store.log.filter(({ stream }) => stream === checkpointStreamOf('main'));
      expect(written.length).to.be.at.least(12);
    });
    await idle.stop();
  });

  it('writes a checkpoint with a lost response again with the same id, once', async () => {
    const { store } = logOf(clicks(3));
    let lost = 0;
    const lossy: typeof store = {
      ...store,
      append: async (...call) => {
        const result = await store.append(...call);
        lost += 1;
        if (lost % 2 === 1) throw new OutcomeUnknownError('The answer was lost.');
        return result;
      },
    };
    const bus = recordingBus();
    const bridge = bridging({ eventStore: lossy, bus });
    await bridge.start();
    await soonPublished(bus, 3);
    await bridge.stop();
    const states = (await checkpointsOf(store)).map(({ state }) => state);
    expect(states).to.deep.equal(['held', 'released']);
  });

  it('starts once', async () => {
    const { store } = logOf(clicks(1));
    const bridge = bridging({ eventStore: store, bus: recordingBus() });
    await bridge.start();
    expect(await rejectionOf(bridge.start())).to.be.instanceOf(TypeError);
    await bridge.stop();
  });

  it('is unhealthy where the bus accepts nothing for 15 s, and says why', async () => {
    const { store } = logOf(clicks(3));
    let isDown = true;
    const bus = recordingBus(() => {
      if (isDown) throw new UnavailableError('The bus is down.');
    });
    let clock = 1_000_000;
    const bridge = bridging({ eventStore: store, bus, monotonic: () => clock });
    await bridge.start();
    await eventually(() => expect(bridge.status().problem).to.equal('The bus is down.'));
    clock += 14_999;
    expect(bridge.status().healthy).to.be.true;
    clock += 1;
    expect(bridge.status().healthy).to.be.false;
    isDown = false;
    await eventually(() => expect(bridge.status()).to.include({ healthy: true, problem: null }));
    await bridge.stop();
  });

  it('is unhealthy where the checkpoint cannot be read for 15 s, and says why', async () => {
    const { store } = logOf(clicks(3));
    let isDown = true;
    const away: typeof store = {
      ...store,
      async *read(...call) {
        if (isDown) throw new UnavailableError('The log is away.');
        yield* store.read(...call);
      },
    };
    let clock = 0;
    const bridge = bridging({ eventStore: away, bus: recordingBus(), monotonic: () => clock });
    await bridge.start();
    await eventually(() => expect(bridge.status().problem).to.equal('The log is away.'));
    clock += 15_000;
    expect(bridge.status()).to.include({ role: 'standby', healthy: false });
    isDown = false;
    await eventually(() =>
      expect(bridge.status()).to.include({ role: 'leading', healthy: true, problem: null }),
    );
    await bridge.stop();
  });

  it('reports how many events wait, and the age of the oldest', async () => {
    const { store } = logOf(clicks(3), () => 60_000);
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    let now = 65_000;
    const bus = recordingBus(() => opened);
    const bridge = bridging({ eventStore: store, bus, now: () => now });
    expect(bridge.status()).to.include({ role: 'starting', caughtUp: false, lagSeconds: 0 });
    await bridge.start();
    await eventually(() => expect(bridge.status().waitingEvents).to.equal(3));
    expect(bridge.status().lagSeconds).to.equal(5);
    // The event store's clock is ahead.
    now = 55_000;
    expect(bridge.status().lagSeconds).to.equal(0);
    now = 65_000;
    open();
    await eventually(() =>
      expect(bridge.status()).to.include({ waitingEvents: 0, lagSeconds: 0, caughtUp: true }),
    );
    expect(Number(bridge.status().position?.commit)).to.be.at.least(300);
    expect((await bridge.metrics.bridgeForwarded.get()).values[0]?.value).to.equal(3);
    await bridge.stop();
  });

  it('says nothing of a checkpoint that it cannot write while it stops', async () => {
    const { store } = logOf(clicks(3));
    const { logger, told } = recordingLogger();
    let writes = 0;
    const failing: typeof store = {
      ...store,
      append: async (...call) => {
        writes += 1;
        if (writes > 1) throw new UnavailableError('Away.');
        return await store.append(...call);
      },
    };
    const bridge = bridging({
      eventStore: failing,
      bus: recordingBus(),
      logger,
      checkpointEveryMs: 1,
      drainTimeoutMs: 20,
    });
    await bridge.start();
    await eventually(() => expect(writes).to.be.above(2));
    await bridge.stop();
    expect(told().filter((line) => !line.startsWith('info'))).to.deep.equal([]);
  });

  it('publishes although old checkpoints cannot be dropped, and says so', async () => {
    const { store } = logOf(clicks(3));
    const { logger, told } = recordingLogger();
    const setMaxCount = () => Promise.reject(new UnavailableError('Away.'));
    const bus = recordingBus();
    const bridge = bridging({ eventStore: { ...store, setMaxCount }, bus, logger });
    await bridge.start();
    await soonPublished(bus, 3);
    await bridge.stop();
    expect(told()).to.include('warn Could not drop old checkpoints');
  });

  it('stops although its publisher does not close cleanly, and says so', async () => {
    const { store } = logOf(clicks(3));
    const { logger, told } = recordingLogger();
    const bus = recordingBus();
    const publisher: typeof bus.publisher = async (logId) => ({
      ...(await bus.publisher(logId)),
      close: () => Promise.reject(new UnavailableError('Away.')),
    });
    const bridge = bridging({ eventStore: store, bus: { ...bus, publisher }, logger });
    await bridge.start();
    await soonPublished(bus, 3);
    await bridge.stop();
    expect(bridge.status().role).to.equal('stopped');
    expect(told()).to.include('warn A publisher did not close cleanly');
  });

  it('goes on after an event whose marker is too large as well', async () => {
    const { store } = logOf(clicks(3, 1));
    const data = new Uint8Array(5_000);
    store.record('anime-1', { id: 'huge', type: 'Huge', data, metadata: {} });
    happens(store, 3);
    const bus = recordingBus((published) => {
      if (published.some(({ event }) => event.id === 'huge')) throw new TooLargeError('Too large.');
    });
    const { logger, told } = recordingLogger();
    const bridge = bridging({ eventStore: store, bus, logger });
    await bridge.start();
    await soonPublished(bus, 6);
    await bridge.stop();
    expect(bus.places()).not.to.include('anime-1@3');
    expect(bridge.deadLetters.letters.map(({ revision }) => revision)).to.deep.equal([3]);
    expect(told()).to.include('error An event and its marker are too large for the bus');
  });

  it('refuses to go on where the bus denies access to a marker', async () => {
    const { store } = logOf(clicks(1));
    const bus = recordingBus((published) => {
      if (published.every(({ isMarker }) => !isMarker)) throw new TooLargeError('Too large.');
      throw new PortError('ACCESS_DENIED', 'Kafka denies access.', false);
    });
    const bridge = bridging({ eventStore: store, bus });
    await bridge.start();
    await eventually(() => expect(bridge.status().role).to.equal('refusing'));
    expect(bridge.status().problem).to.equal('Kafka denies access.');
    expect((await checkpointsOf(store)).at(-1)).to.include({ position: null });
    await bridge.stop();
  });

  it('starts at the beginning of the log where the checkpoint was lost', async () => {
    const { store } = logOf(clicks(3));
    const first = recordingBus();
    const before = bridging({ eventStore: store, bus: first });
    await before.start();
    await soonPublished(first, 3);
    await before.stop();
    await store.deleteStream(checkpointStreamOf('main'));
    const bus = recordingBus();
    const bridge = bridging({ eventStore: store, bus });
    await bridge.start();
    await soonPublished(bus, 3);
    await bridge.stop();
  });

  it('starts by itself when the event store cannot be reached at first', async () => {
    const { store } = logOf(clicks(3));
    let down = 10;
    const late: typeof store = {
      ...store,
      async *read(...call) {
        down -= 1;
        if (down > 0) throw new UnavailableError('Not yet.');
        yield* store.read(...call);
      },
    };
    const bus = recordingBus();
    const bridge = bridging({ eventStore: late, bus });
    await bridge.start();
    await soonPublished(bus, 3);
    await bridge.stop();
  });

  it('stops within its deadline though the bus never responds, without a checkpoint', async () => {
    const { store } = logOf(clicks(50));
    const bus = recordingBus(() => new Promise(() => undefined));
    const bridge = bridging({ eventStore: store, bus, drainTimeoutMs: 20, maxBatchEvents: 10 });
    await bridge.start();
    await eventually(() => expect(bridge.status().waitingEvents).to.be.at.least(10));
    await bridge.stop();
    expect((await checkpointsOf(store)).at(-1)).to.include({ state: 'released', position: null });
  });

  describe('with documents that are flushed', () => {
    const flushing = (position: Position | null) => {
      const saved: bigint[] = [];
      return {
        saved,
        load: () => Promise.resolve(position),
        save: ({ commit }: Position) => {
          saved.push(commit);
          return Promise.resolve();
        },
      };
    };
    const at = (commit: bigint): Position => ({ commit, prepare: commit });

    for (const [name, position, expected] of [
      ['from the start where there are none', null, 5],
      ['where they are, when they are behind the checkpoint', at(200n), 3],
      ['at the checkpoint, when they are ahead of it', at(10_000n), 0],
    ] as const) {
      it(`publishes again ${name}`, async () => {
        const { store } = logOf(clicks(5));
        const before = recordingBus();
        const first = bridging({ eventStore: store, bus: before });
        await first.start();
        await soonPublished(before, 5);
        await first.stop();
        const bus = recordingBus();
        const bridge = bridging({ eventStore: store, bus, flushed: flushing(position) });
        await bridge.start();
        await eventually(() => expect(bridge.status().caughtUp).to.be.true);
        await bridge.stop();
        expect(bus.published).to.have.length(expected);
      });
    }

    it('saves no position before the first event is published', async () => {
      const { store } = logOf(clicks(1));
      const saved: unknown[] = [];
      const flushed = {
        load: () => Promise.resolve(null),
        save: (position: unknown) => {
          saved.push(position);
          return Promise.resolve();
        },
      };
      const bridge = bridging({
        eventStore: store,
        bus: recordingBus(() => new Promise(() => undefined)),
        flushed,
        checkpointEveryMs: 1,
        drainTimeoutMs: 10,
      });
      await bridge.start();
      await eventually(async () => expect(await checkpointsOf(store)).to.have.length.above(3));
      await bridge.stop();
      expect(saved).to.deep.equal([]);
    });

    it('never checkpoints what is not in documents yet', async () => {
      const { store } = logOf(clicks(5));
      const before = recordingBus();
      const first = bridging({ eventStore: store, bus: before });
      await first.start();
      await soonPublished(before, 5);
      await first.stop();
      const stuck = recordingBus(() => new Promise(() => undefined));
      const flushed = flushing(at(200n));
      const bridge = bridging({
        eventStore: store,
        bus: stuck,
        flushed,
        checkpointEveryMs: 1,
        drainTimeoutMs: 10,
      });
      await bridge.start();
      const written = store.log.length;
      await eventually(() => expect(store.log.length).to.be.at.least(written + 3));
      await bridge.stop();
      expect(flushed.saved).to.deep.equal([200n]);
      const { position } = (await checkpointsOf(store)).at(-1) ?? {};
      expect(position).to.deep.equal({ commit: '200', prepare: '200' });
    });
  });

  describe('next to another bridge', () => {
    it('stands by while the other one has a heartbeat, and takes over on release', async () => {
      const { store } = logOf(clicks(5));
      const [one, other] = [recordingBus(), recordingBus()];
      const leader = bridging({ eventStore: store, bus: one, checkpointEveryMs: 2 });
      await leader.start();
      await soonPublished(one, 5);
      const standby = bridging({
        eventStore: store,
        bus: other,
        takeOverAfterMs: 60_000,
        standbyPollMs: 1,
      });
      await standby.start();
      await eventually(() => expect(standby.status().role).to.equal('standby'));
      expect(standby.status().healthy).to.be.true;
      happens(store, 2);
      await soonPublished(one, 7);
      expect(other.published).to.deep.equal([]);
      await leader.stop();
      await eventually(() => expect(standby.status().role).to.equal('leading'));
      happens(store, 2);
      await soonPublished(other, 2);
      await standby.stop();
      expect(gapsIn([...one.events(), ...other.events()])).to.deep.equal([]);
    });

    it('takes over from a silent one, which stops at its next checkpoint', async () => {
      const { store } = logOf(clicks(5));
      const [one, other] = [recordingBus(), recordingBus()];
      const zombie = bridging({
        eventStore: store,
        bus: one,
        takeOverAfterMs: 60_000,
        maxBatchEvents: 5,
        checkpointEveryMs: 1e6,
        checkpointEveryEvents: 20,
      });
      await zombie.start();
      await soonPublished(one, 5);
      const heir = bridging({
        eventStore: store,
        bus: other,
        takeOverAfterMs: 5,
        checkpointEveryMs: 2,
      });
      await heir.start();
      await eventually(() => expect(heir.status().role).to.equal('leading'));
      happens(store, 200);
      await soonPublished(other, 205);
      await eventually(() => expect(zombie.status().role).to.equal('standby'));
      const stoppedAt = one.published.length;
      happens(store, 10);
      await soonPublished(other, 215);
      expect(one.published).to.have.length(stoppedAt);
      expect(stoppedAt).to.be.below(205);
      await Promise.all([zombie.stop(), heir.stop()]);
      expect(gapsIn(other.events())).to.deep.equal([]);
    });

    it('checks its lease before it publishes after half the time of silence, not before', async () => {
      const { store } = logOf(clicks(5));
      const [one, other] = [recordingBus(), recordingBus()];
      let clock = 1_000_000;
      const paused = bridging({
        eventStore: store,
        bus: one,
        takeOverAfterMs: 10_000,
        monotonic: () => clock,
        checkpointEveryMs: 1e6,
      });
      await paused.start();
      await soonPublished(one, 5);
      clock += 4_999;
      happens(store, 3);
      await soonPublished(one, 8);
      expect(await checkpointsOf(store)).to.have.length(1);
      const heir = bridging({ eventStore: store, bus: other, checkpointEveryMs: 1e6 });
      await heir.start();
      await eventually(() => expect(heir.status().role).to.equal('leading'));
      clock += 1;
      happens(store, 10);
      await eventually(() => expect(paused.status().role).to.equal('standby'));
      expect(one.published).to.have.length(8);
      await Promise.all([paused.stop(), heir.stop()]);
    });

    it('closes a publisher that it gave up, and publishes with another when it leads again', async () => {
      const { store } = logOf(clicks(5));
      let isStuck = true;
      let held = 0;
      const bus = recordingBus(() => {
        if (!isStuck) return;
        held += 1;
        return new Promise(() => undefined);
      });
      const stuck = bridging({
        eventStore: store,
        bus,
        takeOverAfterMs: 60_000,
        checkpointEveryMs: 2,
        drainTimeoutMs: 20,
      });
      await stuck.start();
      await eventually(() => expect(held).to.equal(1));
      const other = recordingBus();
      const heir = bridging({ eventStore: store, bus: other, checkpointEveryMs: 2 });
      await heir.start();
      await soonPublished(other, 5);
      await eventually(() => expect(stuck.status().role).to.equal('standby'));
      isStuck = false;
      await heir.stop();
      happens(store, 3);
      await soonPublished(bus, 3);
      expect(bus.publishers()).to.equal(2);
      await stuck.stop();
    });

    it('says once that another one has taken over, and writes no checkpoint after it', async () => {
      const { store } = logOf(clicks(5));
      const { logger, told } = recordingLogger();
      const bus = recordingBus();
      const replaced = bridging({
        eventStore: store,
        bus,
        logger,
        takeOverAfterMs: 60_000,
        checkpointEveryMs: 1e6,
        checkpointEveryEvents: 3,
      });
      await replaced.start();
      await soonPublished(bus, 5);
      const heir = bridging({ eventStore: store, bus: recordingBus(), checkpointEveryMs: 2 });
      await heir.start();
      await eventually(() => expect(heir.status().role).to.equal('leading'));
      happens(store, 3);
      await eventually(() => expect(replaced.status().role).to.equal('standby'));
      await replaced.stop();
      await heir.stop();
      expect(told().filter((line) => line === 'warn Another bridge has taken over')).to.have.length(
        1,
      );
    });

    it('shows the owner and how far it is, and stops without a problem', async () => {
      const { store } = logOf(clicks(5));
      const bus = recordingBus();
      const leader = bridging({ eventStore: store, bus, checkpointEveryMs: 2 });
      await leader.start();
      await soonPublished(bus, 5);
      const { logger, told } = recordingLogger();
      const standby = bridging({
        eventStore: store,
        bus: recordingBus(),
        logger,
        takeOverAfterMs: 60_000,
      });
      await standby.start();
      const { owner } = leader.status();
      expect(owner).to.be.a('string');
      await eventually(() =>
        expect(standby.status()).to.include({ role: 'standby', owner, caughtUp: false }),
      );
      await eventually(() => expect(Number(standby.status().position?.commit)).to.be.at.least(500));
      await standby.stop();
      expect(standby.status()).to.include({ role: 'stopped', owner: null, problem: null });
      expect(told()).to.deep.equal([]);
      await leader.stop();
    });
  });
});
