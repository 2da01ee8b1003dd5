import { PortError, WrongExpectedRevisionError } from '../ports/errors.js';
import type { Logger } from '../platform/observability/logger.js';
import { createOutage } from '../platform/async/outage.js';
import { pause } from '../platform/async/retry.js';
import type { Checkpoint, Checkpoints, ReadCheckpoint } from './checkpoint.js';

/** The right to publish, until another bridge writes a checkpoint. */
export interface Lease {
  readonly revision: bigint;
  /** How far the bridges before it have come. */
  readonly reached: Pick<Checkpoint, 'position' | 'offsets'>;
}

export interface LeaseOptions {
  readonly checkpoints: Checkpoints;
  readonly holder: string;
  /** Silence after which a bridge that did not release counts as gone; 0: at once. */
  readonly takeOverAfterMs: number;
  readonly pollMs: number;
  readonly logger: Logger;
  /** Milliseconds of a clock that only runs forward. */
  readonly monotonic: () => number;
  /** Told whether the checkpoint could be reached (null), or why not. */
  readonly onAttempt: (error: unknown) => void;
  /** Told of what another bridge has come to. */
  readonly onHeard: (reached: Checkpoint) => void;
}

/**
 * Waits for the right to publish and claims it: at once where nobody holds it, else once the
 * holder was silent for long enough by this process's own clock. Clocks are never compared between
 * machines. Answers null when the signal aborts first.
 */
export const acquireLease = async (
  options: LeaseOptions,
  signal: AbortSignal,
): Promise<Lease | null> => {
  const { checkpoints, holder, takeOverAfterMs, pollMs, logger, monotonic } = options;
  const { onAttempt, onHeard } = options;

  const claim = async ({ revision, checkpoint }: ReadCheckpoint): Promise<Lease | null> => {
    const reached = {
      position: checkpoint?.position ?? null,
      offsets: checkpoint?.offsets ?? new Map<number, bigint>(),
    };
    try {
      const claimed = { ...reached, holder, state: 'held' } as const;
      return { revision: await checkpoints.write(revision, claimed, signal), reached };
    } catch (error) {
      if (!(error instanceof WrongExpectedRevisionError)) throw error;
      logger.info('Another bridge was faster');
      return null;
    }
  };

  const outage = createOutage({
    begun: 'The checkpoint cannot be reached',
    ended: 'The checkpoint can be reached again',
    ...{ logger, monotonic },
  });
  let lastSeen: ReadCheckpoint | null = null;
  let lastSeenAt = 0;
  while (!signal.aborted) {
    try {
      if (lastSeen === null || (await checkpoints.head()) !== lastSeen.revision) {
        lastSeen = await checkpoints.read();
        lastSeenAt = monotonic();
        if (lastSeen.checkpoint?.state === 'held') onHeard(lastSeen.checkpoint);
      }
      onAttempt(null);
      const { checkpoint } = lastSeen;
      const isFree = checkpoint === null || checkpoint.state === 'released';
      const isSilent = monotonic() - lastSeenAt >= takeOverAfterMs;
      if (isFree || isSilent || checkpoint.holder === holder) {
        const lease = await claim(lastSeen);
        outage.over();
        if (lease !== null) return lease;
        lastSeen = null;
        continue;
      }
      outage.over();
    } catch (error) {
      if (!(error instanceof PortError) || !error.retriable) throw error;
      onAttempt(error);
      // Whoever cannot listen has heard no silence.
      lastSeenAt = monotonic();
      outage.failed(error);
    }
    await pause(pollMs, signal);
  }
  return null;
};
