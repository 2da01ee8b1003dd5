import { isRetriable, WrongExpectedRevisionError } from '../ports/errors.js';
import type { Logger } from '../platform/observability/logger.js';
import { createOutage } from '../platform/async/outage.js';
import { pause } from '../platform/async/retry.js';
import type { BridgeProgress, Checkpoint, Checkpoints, ReadCheckpoint } from './checkpoint.js';

/** The right to publish, until another bridge writes a checkpoint. */
export interface Lease {
  readonly revision: bigint;
  /** How far the previous owners have published. */
  readonly progress: BridgeProgress;
}

export interface LeaseOptions {
  readonly checkpoints: Checkpoints;
  readonly owner: string;
  /** An owner that did not release counts as gone after this long without a checkpoint; 0: at once. */
  readonly takeOverAfterMs: number;
  readonly pollMs: number;
  readonly logger: Logger;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** Called after every attempt to read the checkpoint: with the error, or null if it was read. */
  readonly onAttempt: (error: unknown) => void;
  /** Called with each new checkpoint of another owner. */
  readonly onCheckpoint: (checkpoint: Checkpoint) => void;
}

/**
 * Waits for the right to publish and claims it: at once where nobody owns it, else once the owner
 * was silent for long enough by this process's own clock. Clocks of two machines are never compared.
 * Resolves with null when the signal aborts first.
 */
export const acquireLease = async (
  options: LeaseOptions,
  signal: AbortSignal,
): Promise<Lease | null> => {
  const { checkpoints, owner, takeOverAfterMs, pollMs, logger, monotonic } = options;
  const { onAttempt, onCheckpoint } = options;

  const claim = async ({ revision, checkpoint }: ReadCheckpoint): Promise<Lease | null> => {
    const progress: BridgeProgress = {
      position: checkpoint?.position ?? null,
      offsets: checkpoint?.offsets ?? new Map<number, bigint>(),
    };
    try {
      const claimed = { ...progress, owner, state: 'held' } as const;
      return { revision: await checkpoints.write(revision, claimed, signal), progress };
    } catch (error) {
      if (!(error instanceof WrongExpectedRevisionError)) throw error;
      logger.info('Another bridge claimed the lease first');
      return null;
    }
  };

  const outage = createOutage({
    begun: 'The checkpoint cannot be read',
    ended: 'The checkpoint can be read again',
    logger,
    monotonic,
  });
  let lastSeen: ReadCheckpoint | null = null;
  let lastSeenAt = 0;
  while (!signal.aborted) {
    try {
      if (lastSeen === null || (await checkpoints.head()) !== lastSeen.revision) {
        lastSeen = await checkpoints.read();
        lastSeenAt = monotonic();
        if (lastSeen.checkpoint?.state === 'held') onCheckpoint(lastSeen.checkpoint);
      }
      onAttempt(null);
      const { checkpoint } = lastSeen;
      const isFree = checkpoint === null || checkpoint.state === 'released';
      const isSilent = monotonic() - lastSeenAt >= takeOverAfterMs;
      if (isFree || isSilent || checkpoint.owner === owner) {
        const lease = await claim(lastSeen);
        outage.over();
        if (lease !== null) return lease;
        lastSeen = null;
        continue;
      }
      outage.over();
    } catch (error) {
      if (!isRetriable(error)) throw error;
      onAttempt(error);
      // If the checkpoint could not be read, restart the silence timer.
      lastSeenAt = monotonic();
      outage.failed(error);
    }
    await pause(pollMs, signal);
  }
  return null;
};
