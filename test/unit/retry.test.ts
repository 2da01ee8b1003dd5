import { expect } from 'chai';
import { settledWithin } from '../../src/platform/async/abort.js';
import { repeat, retry } from '../../src/platform/async/retry.js';

const backoff = { baseMs: 1, maxMs: 1 };
const failing = (times: number) => (attempt: number) =>
  attempt < times ? Promise.reject(new Error(`failure ${attempt}`)) : Promise.resolve(attempt);

describe('retry', () => {
  it('returns the first result', async () => {
    const seen: number[] = [];
    const onFailure = (_: unknown, attempt: number) => void seen.push(attempt);
    expect(await retry(failing(3), { backoff, retriable: () => true, onFailure })).to.equal(3);
    expect(seen).to.deep.equal([0, 1, 2]);
  });

  it('throws a failure that is not retriable at once', async () => {
    const retriable = (_: unknown, attempt: number) => attempt < 1;
    const failure = await retry(failing(9), { backoff, retriable }).catch((e: unknown) => e);
    expect(failure).to.have.property('message', 'failure 1');
  });

  it('throws the last failure when the signal aborts during the wait', async () => {
    const stop = new AbortController();
    const slow = { baseMs: 600_000, maxMs: 600_000 };
    const retrying = retry(failing(9), {
      backoff: slow,
      signal: stop.signal,
      retriable: () => true,
      onFailure: () => void setImmediate(() => stop.abort()),
    });
    const failure = await retrying.catch((e: unknown) => e);
    expect(failure).to.have.property('message', 'failure 0');
  });
});

describe('repeat', () => {
  it('runs the work until the signal aborts', async () => {
    const stop = new AbortController();
    let runs = 0;
    const work = () => {
      runs += 1;
      if (runs === 3) stop.abort();
      return Promise.resolve();
    };
    await repeat(work, 1, stop.signal);
    expect(runs).to.equal(3);
  });
});

describe('settledWithin', () => {
  it('is true for a promise that settles in time and false for one that does not', async () => {
    expect(await settledWithin(Promise.resolve('done'), 600_000)).to.equal(true);
    expect(await settledWithin(new Promise(() => undefined), 1)).to.equal(false);
  });

  it('rejects where the promise does', async () => {
    const failure = await settledWithin(Promise.reject(new Error('broken')), 600_000).catch(
      (e: unknown) => e,
    );
    expect(failure).to.have.property('message', 'broken');
  });
});
