import { expect } from 'chai';
import type { EachBatchPayload } from 'kafkajs';
import {
  createPartitionWorkers,
  type Fetching,
} from '../../../src/adapters/kafka/partition-workers.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { eventually } from '../../support/eventually.js';

const NOTHING_HELD: Fetching = {
  hold: () => undefined,
  release: () => undefined,
  holdAll: () => undefined,
};

const batchOf = (partition: number): EachBatchPayload => {
  const batch = {
    topic: 'events',
    partition,
    highWatermark: '1',
    messages: [{ offset: '0' }],
    firstOffset: () => '0',
    lastOffset: () => '0',
  };
  const settled = () => Promise.resolve();
  const calls = { resolveOffset: () => undefined, heartbeat: settled };
  return {
    batch,
    ...calls,
    commitOffsetsIfNecessary: settled,
  } as unknown as EachBatchPayload;
};

/** Workers of a member with two partitions; the handler fails on those in `bad`. */
const given = () => {
  const bad = new Set<number>();
  let now = 0;
  let attempts = 0;
  let handled = 0;
  const workers = createPartitionWorkers({
    handler: ({ partition }) => {
      attempts += 1;
      if (bad.has(partition)) return Promise.reject(new Error('Not this time.'));
      handled += 1;
      return Promise.resolve();
    },
    patienceMs: 10,
    redelivery: { baseMs: 1, maxMs: 1 },
    logger: silentLogger(),
    monotonic: () => now,
  });
  workers.assigned([0, 1], NOTHING_HELD);
  const failAgain = async () => {
    const before = attempts;
    await eventually(() => expect(attempts).to.be.greaterThan(before + 1));
  };
  return {
    workers,
    bad,
    failAgain,
    handled: () => handled,
    later: (ms: number) => void (now += ms),
  };
};

describe('the partition workers of a consumer', () => {
  it('report since when a batch fails, until it succeeds', async () => {
    const { workers, bad, failAgain, later, handled } = given();
    bad.add(0);
    await workers.take(batchOf(0));
    await failAgain();
    expect(workers.failFor(20_000)).to.equal(false);
    later(19_999);
    await failAgain();
    expect(workers.failFor(20_000)).to.equal(false);
    later(1);
    expect(workers.failFor(20_000)).to.equal(true);
    bad.clear();
    await eventually(() => expect(workers.failFor(20_000)).to.equal(false));
    expect(handled()).to.equal(1);
    await workers.stop(1_000);
  });

  it('count from the first failure of each partition since its last success', async () => {
    const { workers, bad, failAgain, later, handled } = given();
    bad.add(0);
    await workers.take(batchOf(0));
    await failAgain();
    later(15_000);
    bad.clear();
    await eventually(() => expect(handled()).to.equal(1));
    bad.add(0).add(1);
    await workers.take(batchOf(0));
    later(10_000);
    await workers.take(batchOf(1));
    await failAgain();
    expect(workers.failFor(20_000)).to.equal(false);
    later(10_000);
    expect(workers.failFor(20_000)).to.equal(true);
    bad.delete(0);
    await eventually(() => expect(workers.failFor(20_000)).to.equal(false));
    later(10_000);
    expect(workers.failFor(20_000)).to.equal(true);
    await workers.stop(1_000);
  });

  it('remember a failing batch over a crash, and forget it when its partition moves', async () => {
    const { workers, bad, failAgain, later } = given();
    bad.add(0);
    await workers.take(batchOf(0));
    await failAgain();
    later(15_000);
    workers.interrupt();
    workers.assigned([0, 1], NOTHING_HELD);
    later(5_000);
    expect(workers.failFor(20_000)).to.equal(true);
    workers.assigned([1], NOTHING_HELD);
    expect(workers.failFor(20_000)).to.equal(false);
    await workers.stop(1_000);
  });
});
