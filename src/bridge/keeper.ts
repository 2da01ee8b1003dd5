import { WrongExpectedRevisionError } from '../ports/errors.js';
import type { Offsets } from '../ports/event-bus.js';
import type { Position } from '../ports/event-store.js';
import type { Logger } from '../platform/logger.js';
import { pause } from '../platform/retry.js';
import type { Checkpoint, Checkpoints } from './checkpoint.js';
import type { Lease } from './lease.js';
import type { FlushedPosition, StartingPoint } from './starting-point.js';

export interface KeeperOptions {
  readonly checkpoints: Checkpoints;
  readonly lease: Lease;
  /** Where publishing begins: what comes before it is on the bus, and in documents. */
  readonly from: StartingPoint;
  readonly holder: string;
  readonly flushed?: FlushedPosition;
  readonly everyEvents: number;
  readonly everyMs: number;
  /** After so long without a checkpoint of ours another bridge may have taken over. */
  readonly staleAfterMs: number;
  readonly monotonic: () => number;
  readonly logger: Logger;
  /** Another bridge has written a checkpoint. */
  readonly onFenced: () => void;
  /** The bus no longer holds what it took: everything is to be published again. */
  readonly onLost: () => void;
}

/** Keeps the checkpoint up to date and the lease alive while this bridge leads. */
export const createKeeper = (options: KeeperOptions) => {
  const { checkpoints, lease, from, holder, flushed, everyEvents, everyMs, staleAfterMs } = options;
  const { monotonic, logger, onFenced, onLost } = options;
  let { revision } = lease;
  // Not the lease's: documents that were lost are further back, and must not count as flushed.
  let position = from.after === 'start' ? null : from.after;
  const offsets = new Map(from.offsets);
  let flushedUpTo: Position | null = null;
  let eventsSince = 0;
  let isLost = false;
  let renewedAt = monotonic();
  let renewing: Promise<void> | null = null;
  const stopped = new AbortController();

  const flush = async (upTo: Position): Promise<void> => {
    if (flushed === undefined || upTo === flushedUpTo) return;
    try {
      await flushed.save(upTo);
      flushedUpTo = upTo;
    } catch (error) {
      // What is not flushed is published again after a restart; nothing is lost by it.
      logger.warn('The position of the documents was not saved', { error });
    }
  };

  const write = async (state: Checkpoint['state'], signal: AbortSignal): Promise<void> => {
    const startedAt = monotonic();
    const upTo = position;
    const reached = new Map(offsets);
    eventsSince = 0;
    try {
      if (upTo !== null) await flush(upTo);
      const checkpoint = { position: upTo, offsets: reached, holder, state };
      revision = await checkpoints.write(revision, checkpoint, signal);
      renewedAt = startedAt;
    } catch (error) {
      if (error instanceof WrongExpectedRevisionError) {
        logger.warn('Another bridge has taken over', { holder });
        onFenced();
      } else if (!signal.aborted) logger.error('The checkpoint was not written', { error });
    }
  };

  /** Offsets only grow, unless the topic was made anew or has lost its end. */
  const lose = ([partition, offset]: readonly [number, bigint]): void => {
    const known = offsets.get(partition);
    logger.error('The topic has lost records. The log is published from its beginning again', {
      ...{ partition, known, offset },
    });
    isLost = true;
    position = null;
    offsets.clear();
    onLost();
  };

  const renew = (): Promise<void> =>
    (renewing ??= write('held', stopped.signal).finally(() => (renewing = null)));

  const beat = async (): Promise<void> => {
    for (;;) {
      await pause(everyMs, stopped.signal);
      if (stopped.signal.aborted) return;
      await renew();
    }
  };
  const beating = beat();

  return {
    /** Everything up to here is on the bus. */
    acknowledge(upTo: Position, events: number, last: Offsets): void {
      if (isLost) return;
      const behind = [...last].find(
        ([partition, offset]) => offset <= (offsets.get(partition) ?? -1n),
      );
      if (behind !== undefined) {
        lose(behind);
        return;
      }
      position = upTo;
      for (const [partition, offset] of last) offsets.set(partition, offset);
      eventsSince += events;
      if (eventsSince >= everyEvents) void renew();
    },

    position: (): Position | null => position,

    /** Before a publish: a bridge that was paused finds out here that it was replaced. */
    async ensureFresh(): Promise<void> {
      if (monotonic() - renewedAt >= staleAfterMs) await renew();
    },

    /** Ends the beat; with `release` a last checkpoint lets the next bridge begin at once. */
    async stop(release: boolean, timeoutMs: number): Promise<void> {
      stopped.abort();
      await beating;
      await renewing;
      if (release) await write('released', AbortSignal.timeout(timeoutMs));
    },
  };
};

export type Keeper = ReturnType<typeof createKeeper>;
