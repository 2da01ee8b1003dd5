import { expect } from 'chai';
import {
  createAppendWithRetry,
  createContention,
} from '../../../src/command-side/handling/append.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { createMetrics } from '../../../src/platform/observability/metrics.js';
import { OutcomeUnknownError, PortError, UnavailableError } from '../../../src/ports/errors.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import { animeId } from '../../support/examples.js';

const one = animeId(1);

describe('contention for a stream', () => {
  const setUp = (random = 0.5) => {
    const waits: number[] = [];
    const wait = (ms: number) => Promise.resolve(void waits.push(ms));
    return { ...createContention({ random: () => random, wait }), waits };
  };

  it('is expected from the first conflict on', () => {
    const contention = setUp();
    expect(contention.expected(one)).to.equal(false);
    contention.lost(one);
    expect(contention.expected(one)).to.equal(true);
    expect(contention.expected(animeId(2))).to.equal(false);
  });

  it('is not expected after a look alone', () => {
    const contention = setUp();
    contention.looked(one, true);
    expect(contention.expected(one)).to.equal(false);
  });

  it('lets winners wait for different times, of half to one and a half', async () => {
    for (const [random, wait] of [
      [0, 0.5],
      [0.25, 0.75],
      [1, 1.5],
    ] as const) {
      const contention = setUp(random);
      contention.lost(one);
      await contention.won(one);
      expect(contention.waits).to.deep.equal([wait]);
    }
  });

  it('is over once five looks in a row found nobody else', () => {
    const contention = setUp();
    contention.lost(one);
    for (let i = 0; i < 4; i += 1) contention.looked(one, false);
    contention.looked(one, true);
    for (let i = 0; i < 4; i += 1) contention.looked(one, false);
    expect(contention.expected(one)).to.equal(true);
    contention.looked(one, false);
    expect(contention.expected(one)).to.equal(false);
  });

  it('lets the winner wait, longer after each conflict up to a limit', async () => {
    const contention = setUp();
    for (let i = 0; i < 8; i += 1) {
      contention.lost(one);
      contention.lost(one);
      await contention.won(one);
    }
    expect(contention.waits.slice(0, 3)).to.deep.equal([2, 6.4, 20]);
    expect(Math.max(...contention.waits)).to.equal(20);
  });

  it('lets nobody wait who met no conflict, not even for no time', async () => {
    const contention = setUp();
    contention.lost(animeId(2));
    await contention.won(one);
    expect(contention.waits).to.deep.equal([]);
  });

  it('lets the winner wait shorter after each append without a conflict', async () => {
    const contention = setUp();
    for (let i = 0; i < 9; i += 1) contention.lost(one);
    for (let i = 0; i < 30; i += 1) await contention.won(one);
    expect(contention.waits[0]).to.equal(20);
    expect(contention.waits.at(-1)).to.equal(1);
  });
});

describe('an append with a deadline', () => {
  const appending = (append: EventStore['append'], inMs: number) =>
    createAppendWithRetry({
      store: { append } as EventStore,
      logger: silentLogger(),
      metrics: createMetrics({ processMetrics: false }),
      appendTimeoutMs: 4000,
    })('anime-1', 'no_stream', [], performance.now() + inMs);

  it('is refused, not unknown, where the store only refused until then', async () => {
    const error = new UnavailableError('Away.');
    const append = () => Promise.reject(error);
    expect(await appending(append, 20)).to.deep.equal({ kind: 'refused', error });
  });

  it('is unknown where one response was lost', async () => {
    const append = () => Promise.reject(new OutcomeUnknownError('Lost.'));
    expect(await appending(append, 20)).to.deep.equal({ kind: 'unknown' });
  });

  it('is not repeated where the wait before it ends after the deadline', async () => {
    let attempts = 0;
    const append = () => {
      attempts += 1;
      return Promise.reject(new OutcomeUnknownError('Lost.'));
    };
    // The first wait is 25 ms at least.
    await appending(append, 24);
    expect(attempts).to.equal(1);
  });

  it('gives an attempt no more time than is left, and no more than its own limit', async () => {
    const limits: number[] = [];
    const append: EventStore['append'] = (_stream, _expected, _events, options) => {
      limits.push(options?.timeoutMs ?? NaN);
      return Promise.reject(new PortError('CORRUPT', 'No.', false));
    };
    await appending(append, 1000);
    await appending(append, 100_000);
    await appending(append, -1000);
    expect(limits[0]).to.be.within(1, 1000);
    expect(limits.slice(1)).to.deep.equal([4000, 1]);
  });

  it('is tried three times while the store is unavailable', async () => {
    let attempts = 0;
    const append = () => {
      attempts += 1;
      return Promise.reject(new UnavailableError('Away.'));
    };
    expect(await appending(append, 100_000)).to.include({ kind: 'refused' });
    expect(attempts).to.equal(3);
  });
});
