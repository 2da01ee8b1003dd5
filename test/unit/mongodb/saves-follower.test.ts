import { expect } from 'chai';
import { createSavesFollower } from '../../../src/adapters/mongodb/read-store.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { eventually } from '../../support/eventually.js';

describe('saves of other processes on MongoDB', () => {
  /** A server that tells of these ids, and then of nothing until the signal aborts. */
  const given = (tellsOf: readonly string[] | null) => {
    let watching = 0;
    let watched = 0;
    const follower = createSavesFollower({
      logger: silentLogger(),
      pollMs: 5,
      retryMs: 50,
      async *watch(signal) {
        watched += 1;
        if (tellsOf === null) throw new Error('$changeStream is not supported here.');
        watching += 1;
        try {
          yield* tellsOf;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        } finally {
          watching -= 1;
        }
      },
    });
    const told: (readonly number[] | null)[] = [];
    return {
      follower,
      told,
      add: () => follower.add((ids) => told.push(ids)),
      watching: () => watching,
      watched: () => watched,
    };
  };

  it('come from one change stream for all listeners, which ends with the last of them', async () => {
    const { told, add, watching, watched } = given(['7', 'not an id', '9']);
    const removals = [add(), add()];
    await eventually(() => expect(told).to.deep.equal([[7], [7], [9], [9]]));
    expect(watched()).to.equal(1);
    for (const remove of removals) remove();
    await eventually(() => expect(watching()).to.equal(0));
  });

  it('may be of any anime where the server has no change streams, only while somebody listens', async () => {
    const { told, add, watched } = given(null);
    const remove = add();
    await eventually(() => expect(told.length).to.be.at.least(3));
    expect(new Set(told)).to.deep.equal(new Set([null]));
    // Servers may get one later.
    await eventually(() => expect(watched()).to.be.at.least(2));
    remove();
    const count = told.length;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(told.length).to.be.at.most(count);
  });

  it('include those of this process at once', () => {
    const { follower, told, add } = given([]);
    const remove = add();
    follower.notify([3 as never]);
    expect(told).to.deep.equal([[3]]);
    remove();
  });
});
