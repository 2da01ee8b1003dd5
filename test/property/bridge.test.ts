import { expect } from 'chai';
import fc from 'fast-check';
import type { Bridge } from '../../src/bridge/bridge.js';
import { UnavailableError } from '../../src/ports/errors.js';
import { bridging } from '../support/bridging.js';
import { eventually } from '../support/eventually.js';
import { histories, logOf } from '../support/histories.js';
import type { InMemoryEventStore } from '../support/in-memory-event-store.js';
import { gapsIn, recordingBus } from '../support/recording-bus.js';

/** How many steps a bridge lives, and whether the last of them is still made. */
const lifetimes = fc.array(
  fc.record({
    steps: fc.integer({ min: 0, max: 12 }),
    lastIsMade: fc.boolean(),
    maxBatchEvents: fc.integer({ min: 1, max: 6 }),
    checkpointEveryEvents: fc.integer({ min: 1, max: 6 }),
  }),
  { maxLength: 4 },
);

type Lifetime = typeof lifetimes extends fc.Arbitrary<readonly (infer One)[]> ? One : never;

/** Dies at a read, a publish or a checkpoint, before or after it: nothing works from then on. */
const mortal = (
  store: InMemoryEventStore,
  bus: ReturnType<typeof recordingBus>,
  { steps, lastIsMade }: Lifetime,
) => {
  let left = steps;
  const dead = () => new UnavailableError('The process is dead.');
  const step = async <T>(work: () => T | Promise<T>): Promise<T> => {
    left -= 1;
    if (left < 0 && !(left === -1 && lastIsMade)) throw dead();
    const result = await work();
    if (left < 0) throw dead();
    return result;
  };
  const eventStore: InMemoryEventStore = {
    ...store,
    append: (...call) => step(() => store.append(...call)),
    async *subscribeToAll(options) {
      for await (const delivery of store.subscribeToAll(options)) {
        yield await step(() => delivery);
      }
    },
  };
  const publisher = async (logId: string) => {
    const real = await bus.publisher(logId);
    return {
      ...real,
      publish: (...call: Parameters<typeof real.publish>) => step(() => real.publish(...call)),
      publishMarker: (...call: Parameters<typeof real.publishMarker>) =>
        step(() => real.publishMarker(...call)),
    };
  };
  const { ends, sample } = bus;
  return { eventStore, bus: { publisher, ends, sample }, isDead: () => left < 0 };
};

/** A bridge's life: until the assertion holds, and stopped whether it does or not. */
const during = async (bridge: Bridge, assertion: () => void): Promise<void> => {
  await bridge.start();
  try {
    await eventually(assertion, { everyMs: 1, withinMs: 3_000 });
  } finally {
    await bridge.stop();
  }
};

describe('bridge', () => {
  it('leaves no gap and loses no event, wherever it is killed', async () => {
    await fc.assert(
      fc.asyncProperty(histories({ animes: 3 }), lifetimes, async (history, lives) => {
        const { store } = logOf(history);
        const bus = recordingBus(undefined, { keeps: true });
        for (const life of lives) {
          const { isDead, ...mortals } = mortal(store, bus, life);
          const { maxBatchEvents, checkpointEveryEvents } = life;
          const limits = { maxBatchEvents, checkpointEveryEvents, drainTimeoutMs: 1 };
          const bridge = bridging({ ...mortals, ...limits });
          await during(bridge, () => expect(isDead() || bridge.status().caughtUp).to.be.true);
          expect(gapsIn(bus.events())).to.deep.equal([]);
        }
        const survivor = bridging({ eventStore: store, bus });
        await during(survivor, () => expect(new Set(bus.places()).size).to.equal(history.length));
        expect(gapsIn(bus.events())).to.deep.equal([]);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });
});
