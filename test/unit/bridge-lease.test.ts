import { expect } from 'chai';
import type { Checkpoint, Checkpoints } from '../../src/bridge/checkpoint.js';
import { acquireLease } from '../../src/bridge/lease.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { UnavailableError } from '../../src/ports/errors.js';

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
});
