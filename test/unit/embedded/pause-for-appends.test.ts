import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import {
  type AppendsSeen,
  countAppendsInFlight,
  pauseForAppends,
} from '../../../src/embedded-eventstore/log/appends-in-flight.js';
import { createStepPacing } from '../../../src/embedded-eventstore/projections/step-pacing.js';

/** Long enough for a thread to start. */
const AMPLE_MS = 30_000;

/** Another thread that ends the append once somebody waits for it, and wakes them for nothing before. */
const endFromAnotherThread = (shared: Int32Array): Worker =>
  new Worker(
    `const { workerData: shared } = require('node:worker_threads');
     while (Atomics.notify(shared, 0) === 0) ;
     Atomics.store(shared, 0, 0);
     Atomics.notify(shared, 0);`,
    { eval: true, workerData: shared },
  );

describe('a pause for appends', () => {
  it('is none where nothing is in flight', () => {
    const { shared, began, ended } = countAppendsInFlight();
    expect(pauseForAppends(shared, AMPLE_MS)).to.equal('none');
    began();
    ended();
    expect(pauseForAppends(shared, AMPLE_MS)).to.equal('none');
  });

  it('ends when the last append does', async () => {
    const { shared, began } = countAppendsInFlight();
    began();
    const thread = endFromAnotherThread(shared);
    expect(pauseForAppends(shared, AMPLE_MS)).to.equal('some');
    await once(thread, 'exit');
  });

  it('ends after its time where appends never cease', () => {
    const { shared, began, ended } = countAppendsInFlight();
    began();
    began();
    ended();
    expect(pauseForAppends(shared, 1)).to.equal('throughout');
  });
});

describe('the size of a step of a projection', () => {
  const given = () => {
    let now = 0;
    let seen: AppendsSeen = 'none';
    const beginStep = createStepPacing(
      () => seen,
      () => now,
    );
    return {
      wait: (ms: number) => (now += ms),
      sizeAfter: (pause: AppendsSeen): number => {
        seen = pause;
        return beginStep();
      },
    };
  };

  it('is full where nothing is appended', () => {
    expect(given().sizeAfter('none')).to.equal(32);
  });

  it('is a quarter between appends, until none was seen for a tenth of a second', () => {
    const { sizeAfter, wait } = given();
    expect(sizeAfter('some')).to.equal(8);
    wait(100);
    expect(sizeAfter('none')).to.equal(8);
    wait(1);
    expect(sizeAfter('none')).to.equal(32);
  });

  it('is full where appends never cease: short steps would fall behind for good', () => {
    const { sizeAfter } = given();
    expect(sizeAfter('some')).to.equal(8);
    expect(sizeAfter('throughout')).to.equal(32);
  });
});
