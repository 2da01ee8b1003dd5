import { expect } from 'chai';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore, Position } from '../../../src/ports/event-store.js';
import {
  createEventFeed,
  TooFarBackError,
} from '../../../src/query-side/subscriptions/event-feed.js';
import { eventually } from '../../support/eventually.js';
import { inMemoryEventStore } from '../../support/in-memory-event-store.js';

describe('the log as subscriptions follow it', () => {
  let log: ReturnType<typeof inMemoryEventStore>;
  let count: number;

  beforeEach(() => {
    log = inMemoryEventStore();
    count = 0;
  });
  afterEach(() => log.close());

  const append = async (events = 1): Promise<Position> => {
    const expected = count === 0 ? 'no_stream' : BigInt(count - 1);
    const { position } = await log.append(
      'anime-1',
      expected,
      Array.from({ length: events }, () => ({
        id: crypto.randomUUID(),
        type: `T${(count += 1)}`,
        data: {},
        metadata: {},
      })),
    );
    return position;
  };

  const feedOf = (
    eventStore: Pick<EventStore, 'subscribeToAll' | 'readAll'>,
    options: { readonly maxMissed?: number } = {},
  ) => createEventFeed({ eventStore, logger: silentLogger(), ...options });

  const reader = () => {
    const types: string[] = [];
    const failures: unknown[] = [];
    const places: bigint[] = [];
    return {
      types,
      failures,
      places,
      event: ({ type }: { readonly type: string }) => void types.push(type),
      hasRoom: () => true,
      upTo: ({ commit }: Position) => void places.push(commit),
      failed: (error: unknown) => void failures.push(error),
    };
  };

  it('is resumed without a gap or a repeat while events are appended', async () => {
    const from = await append();
    await append(20);
    const feed = feedOf(log);
    const first = reader();
    const stopFirst = feed.follow(first, null);
    const second = reader();
    const stopSecond = feed.follow(second, from);
    const appending = (async () => {
      for (let n = 0; n < 30; n += 1) await append();
    })();
    const third = reader();
    const stopThird = feed.follow(third, from);
    await appending;
    const all = Array.from({ length: 50 }, (_, n) => `T${n + 2}`);
    await eventually(() => {
      expect(second.types).to.deep.equal(all);
      expect(third.types).to.deep.equal(all);
    });
    for (const stop of [stopFirst, stopSecond, stopThird]) stop();
  });

  it('is not read from further back than the maximum', async () => {
    const from = await append();
    await append(11);
    const behind = reader();
    const stop = feedOf(log, { maxMissed: 10 }).follow(behind, from);
    await eventually(() => expect(behind.failures[0]).to.be.instanceOf(TooFarBackError));
    stop();
  });

  it('tells each subscription of a failure, and is followed anew by the next one', async () => {
    await append();
    let fails = true;
    const feed = feedOf({
      readAll: (options) =>
        fails ? Promise.reject(new UnavailableError('Away.')) : log.readAll(options),
      subscribeToAll: (options) => log.subscribeToAll(options),
    });
    const readers = [reader(), reader()];
    const stops = readers.map((each) => feed.follow(each, null));
    await eventually(() => readers.forEach(({ failures }) => expect(failures).to.have.length(1)));
    for (const stop of stops) stop();
    fails = false;
    const later = reader();
    const stop = feed.follow(later, null);
    await eventually(() => expect(later.places).to.have.length(1));
    await append();
    await eventually(() => expect(later.types).to.deep.equal(['T2']));
    stop();
  });
});
