import { expect } from 'chai';
import type { Checkpoint, Checkpoints, ReadCheckpoint } from '../../src/bridge/checkpoint.js';
import { acquireLease } from '../../src/bridge/lease.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { PortError, UnavailableError, WrongExpectedRevisionError } from '../../src/ports/errors.js';
import { recordingLogger } from '../support/recording-logger.js';
import { rejectionOf } from '../support/rejection-of.js';

describe('the lease of a bridge', () => {
  it('counts no time as silence in which the checkpoint could not be read', async () => {
    const held: Checkpoint = { position: null, offsets: new Map(), owner: 'a', state: 'held' };
    let clock = 0;
    let claimedAt = -1;
    const polls = [
      { at: 90, isReadable: true },
      { at: 150, isReadable: false },
      { at: 249, isReadable: true },
      { at: 250, isReadable: true },
    ];
    const checkpoints: Checkpoints = {
      read: () => Promise.resolve({ revision: 7n, checkpoint: held }),
      head: () => {
        const { at, isReadable } = polls.shift() ?? { at: Infinity, isReadable: true };
        clock = at;
        return isReadable ? Promise.resolve(7n) : Promise.reject(new UnavailableError('Away.'));
      },
      limitHistory: () => Promise.resolve(),
      write: () => {
        claimedAt = clock;
        return Promise.resolve(8n);
      },
    };
    const lease = await acquireLease(
      {
        checkpoints,
        owner: 'b',
        takeOverAfterMs: 100,
        pollMs: 0,
        logger: silentLogger(),
        monotonic: () => clock,
        onAttempt: () => undefined,
        onCheckpoint: () => undefined,
      },
      new AbortController().signal,
    );
    expect(lease).to.include({ revision: 8n });
    expect(claimedAt).to.equal(250);
  });

  const held = (owner: string): ReadCheckpoint => ({
    revision: 7n,
    checkpoint: { position: null, offsets: new Map(), owner, state: 'held' },
  });

  /** Bridge `b` asks for the lease; the last of what it reads stays. */
  const asking = async (
    read: readonly ReadCheckpoint[],
    write: Checkpoints['write'],
    { takeOverAfterMs = 1e9, signal = new AbortController().signal } = {},
  ) => {
    const { logger, told } = recordingLogger();
    const seen: string[] = [];
    const left = [...read];
    const next = () => (left.length > 1 ? left.shift() : left[0]) ?? expect.fail();
    const lease = await acquireLease(
      {
        checkpoints: {
          read: () => Promise.resolve(next()),
          head: () => Promise.resolve((left[0] ?? expect.fail()).revision),
          limitHistory: () => Promise.resolve(),
          write,
        },
        owner: 'b',
        takeOverAfterMs,
        pollMs: 1,
        logger,
        monotonic: () => performance.now(),
        onAttempt: () => undefined,
        onCheckpoint: ({ owner }) => void seen.push(owner),
      },
      signal,
    );
    return { lease, seen, told };
  };

  it('is claimed at once where nobody owns it, or this bridge does', async () => {
    const write = () => Promise.resolve(8n);
    const free: ReadCheckpoint = { revision: 'no_stream', checkpoint: null };
    for (const found of [free, held('b')]) {
      const { lease } = await asking([found], write);
      expect(lease).to.include({ revision: 8n });
    }
  });

  it('is waited for again where another bridge claims it first', async () => {
    const expected: unknown[] = [];
    const write: Checkpoints['write'] = (revision) => {
      expected.push(revision);
      return revision === 'no_stream'
        ? Promise.reject(new WrongExpectedRevisionError('checkpoint', 'no_stream', 7n))
        : Promise.resolve(8n);
    };
    const free: ReadCheckpoint = { revision: 'no_stream', checkpoint: null };
    const { lease, seen, told } = await asking([free, held('a')], write, { takeOverAfterMs: 5 });
    expect(lease).to.include({ revision: 8n });
    expect(expected).to.deep.equal(['no_stream', 7n]);
    expect(seen).to.deep.equal(['a']);
    expect(told()).to.deep.equal(['info Another bridge claimed the lease first']);
  });

  it('is not waited for where it may not be claimed', async () => {
    const denied = new PortError('ACCESS_DENIED', 'No.', false);
    const asked = asking([held('b')], () => Promise.reject(denied));
    expect(await rejectionOf(asked)).to.equal(denied);
  });

  it('is not claimed by a bridge that stops', async () => {
    const write = () => expect.fail('It was claimed.');
    const { lease } = await asking([held('b')], write, { signal: AbortSignal.abort() });
    expect(lease).to.equal(null);
  });
});
