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

interface Fetched {
  /** Of the first message. */
  readonly offset?: number;
  readonly messages?: number;
  /** The end of the partition when it was fetched. */
  readonly end?: number;
  readonly onCommit?: (offset: string) => Promise<void>;
}

const batchOf = (partition: number, fetched: Fetched = {}): EachBatchPayload => {
  const { offset = 0, messages = 1, end = offset + messages, onCommit } = fetched;
  const offsets = Array.from({ length: messages }, (_, index) => String(offset + index));
  const batch = {
    topic: 'events',
    partition,
    highWatermark: String(end),
    messages: offsets.map((each) => ({ offset: each })),
    firstOffset: () => offsets[0],
    lastOffset: () => offsets.at(-1),
  };
  const settled = () => Promise.resolve();
  return {
    batch,
    resolveOffset: () => undefined,
    heartbeat: settled,
    commitOffsetsIfNecessary: async (committed: Parameters<Commit>[0]) => {
      await onCommit?.(committed?.topics[0]?.partitions[0]?.offset ?? '');
    },
  } as unknown as EachBatchPayload;
};

type Commit = EachBatchPayload['commitOffsetsIfNecessary'];

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

/** Workers whose handler holds every batch until it is let go on. */
const givenSlowHandler = () => {
  const handled: { readonly offsets: readonly number[]; readonly waiting: number }[] = [];
  const fetching: string[] = [];
  let finish: ((error?: Error) => void)[] = [];
  const workers = createPartitionWorkers({
    handler: ({ items, waiting }) => {
      handled.push({ offsets: items.map(({ offset }) => Number(offset)), waiting });
      return new Promise((resolve, reject) => {
        finish.push((error) => (error === undefined ? resolve() : reject(error)));
      });
    },
    patienceMs: 1,
    redelivery: { baseMs: 1, maxMs: 1 },
    logger: silentLogger(),
    monotonic: () => 0,
  });
  const member: Fetching = {
    hold: (partition) => void fetching.push(`hold ${partition}`),
    release: (partition) => void fetching.push(`release ${partition}`),
    holdAll: () => void fetching.push('hold all'),
  };
  workers.assigned([0], member);
  fetching.length = 0;
  const finishHandler = (error?: Error) => {
    for (const each of finish.splice(0)) each(error);
  };
  const handledTimes = (times: number) => eventually(() => expect(handled).to.have.length(times));
  const end = async () => {
    const stopped = workers.stop(1_000);
    finishHandler();
    await stopped;
    finish = [];
  };
  return { workers, member, handled, fetching, finishHandler, handledTimes, end };
};

describe('batches fetched while the handler is busy', () => {
  it('are handled as one batch after it, in their order', async () => {
    const { workers, handled, finishHandler, handledTimes, end } = givenSlowHandler();
    await workers.take(batchOf(0, { offset: 0, messages: 2 }));
    await workers.take(batchOf(0, { offset: 2, messages: 1 }));
    await workers.take(batchOf(0, { offset: 3, messages: 2, end: 9 }));
    expect(handled).to.deep.equal([{ offsets: [0, 1], waiting: 0 }]);
    finishHandler();
    await handledTimes(2);
    expect(handled[1]).to.deep.equal({ offsets: [2, 3, 4], waiting: 4 });
    await end();
  });

  it('are committed only once they are handled, with one commit at a time', async () => {
    const { workers, finishHandler, handledTimes, end } = givenSlowHandler();
    const commits: string[] = [];
    let letCommit = (): void => undefined;
    const onCommit = (offset: string) => {
      commits.push(offset);
      return new Promise<void>((resolve) => (letCommit = resolve));
    };
    await workers.take(batchOf(0, { offset: 0, onCommit }));
    await workers.take(batchOf(0, { offset: 1, onCommit }));
    expect(commits).to.deep.equal([]);
    finishHandler();
    await handledTimes(2);
    expect(commits).to.deep.equal(['1']);
    await workers.take(batchOf(0, { offset: 2, onCommit }));
    finishHandler();
    await handledTimes(3);
    finishHandler();
    expect(commits).to.deep.equal(['1']);
    letCommit();
    await eventually(() => expect(commits).to.deep.equal(['1', '3']));
    letCommit();
    await end();
  });

  it('come again with the batch that fails, before any later one', async () => {
    const { workers, handled, finishHandler, handledTimes, end } = givenSlowHandler();
    await workers.take(batchOf(0, { offset: 0 }));
    await workers.take(batchOf(0, { offset: 1 }));
    finishHandler(new Error('Not this time.'));
    await handledTimes(2);
    finishHandler();
    await handledTimes(3);
    expect(handled.map(({ offsets }) => offsets)).to.deep.equal([[0], [0], [1]]);
    await end();
  });

  it('pause their partition when they are many, until the handler takes them', async () => {
    const { workers, fetching, finishHandler, handledTimes, end } = givenSlowHandler();
    await workers.take(batchOf(0, { offset: 0 }));
    await workers.take(batchOf(0, { offset: 1, messages: 999 }));
    expect(fetching).to.deep.equal([]);
    await workers.take(batchOf(0, { offset: 1_000 }));
    expect(fetching).to.deep.equal(['hold 0']);
    finishHandler();
    await handledTimes(2);
    await eventually(() => expect(fetching).to.deep.equal(['hold 0', 'release 0']));
    await end();
  });

  it('are dropped in a rebalance, after which they are fetched again', async () => {
    const { workers, member, handled, fetching, finishHandler, end } = givenSlowHandler();
    await workers.take(batchOf(0, { offset: 0 }));
    await workers.take(batchOf(0, { offset: 1 }));
    workers.assigned([0], member);
    expect(fetching).to.deep.equal(['hold 0']);
    finishHandler();
    await eventually(() => expect(fetching).to.deep.equal(['hold 0', 'release 0']));
    expect(handled).to.have.length(1);
    await end();
  });
});
