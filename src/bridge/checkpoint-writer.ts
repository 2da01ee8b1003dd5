import { isRetriable, WrongExpectedRevisionError } from '../ports/errors.js';
import type { Offsets } from '../ports/event-bus.js';
import type { Position } from '../ports/event-store.js';
import type { Logger } from '../platform/observability/logger.js';
import { createOutage } from '../platform/async/outage.js';
import { pause, repeat } from '../platform/async/retry.js';
import type { EventPlace } from '../wire/presence.js';
import type { Checkpoint, Checkpoints, FlushedPosition, ResumePosition } from './checkpoint.js';
import type { Lease } from './lease.js';

export interface CheckpointWriterOptions {
  readonly checkpoints: Checkpoints;
  readonly lease: Lease;
  /** Publishing resumes here; everything before it is on the bus and in the documents. */
  readonly from: ResumePosition;
  readonly owner: string;
  readonly flushed: FlushedPosition | undefined;
  readonly everyEvents: number;
  readonly everyMs: number;
  /** Another bridge may take over once this one has written no checkpoint for this long. */
  readonly staleAfterMs: number;
  /** Whether the log still holds a published event: a log restored from a backup may not. */
  readonly isInLog: (event: EventPlace) => Promise<boolean>;
  readonly monotonic: () => number;
  readonly logger: Logger;
  /** Another bridge has written a checkpoint. */
  readonly onFenced: () => void;
  /** The bus or the log no longer holds what was published: publish everything again. */
  readonly onLost: () => void;
  /** Writing a checkpoint failed with an error that is not retriable. */
  readonly onFailed: (error: unknown) => void;
}

export interface CheckpointWriter {
  /** Everything up to this position is on the bus, with these events last. */
  acknowledge(upTo: Position, events: readonly EventPlace[], last: Offsets): void;
  /** Call before each publish: a bridge that was suspended learns here that it was replaced. */
  ensureFresh(): Promise<void>;
  /** Ends the heartbeat; with `release` a last checkpoint lets the next bridge begin at once. */
  stop(release: boolean, timeoutMs: number): Promise<void>;
}

/** Keeps the checkpoint up to date and the lease alive while this bridge leads. */
export const createCheckpointWriter = (options: CheckpointWriterOptions): CheckpointWriter => {
  const { checkpoints, lease, from, owner, flushed, everyEvents, everyMs, staleAfterMs } = options;
  const { isInLog, monotonic, logger, onFenced, onLost, onFailed } = options;
  let { revision } = lease;
  // Not the lease's position: if documents were lost, it is ahead of them and must not count as flushed.
  let position = from.after === 'start' ? null : from.after;
  const offsets = new Map(from.offsets);
  let flushedUpTo: Position | null = null;
  let eventsSince = 0;
  let isLost = false;
  let lastEvent: EventPlace | null = null;
  let renewedAt = monotonic();
  let renewing: Promise<void> | null = null;
  const stopped = new AbortController();
  const flushOutage = createOutage({
    begun: 'Could not save the position of the documents; retrying',
    ended: 'The position of the documents is saved again',
    logger,
    monotonic,
  });
  const writeOutage = createOutage({
    begun: 'Could not write the checkpoint; retrying',
    ended: 'The checkpoint is written again',
    logger,
    monotonic,
  });

  const flush = async (upTo: Position): Promise<void> => {
    if (flushed === undefined || upTo === flushedUpTo) return;
    try {
      await flushed.save(upTo);
      flushedUpTo = upTo;
      flushOutage.over();
    } catch (error) {
      // Harmless: events after the last flushed position are published again after a restart.
      flushOutage.failed(error);
    }
  };

  const lose = (why: string, where: Readonly<Record<string, unknown>>): void => {
    logger.error(why, where);
    isLost = true;
    position = null;
    offsets.clear();
    onLost();
  };

  const write = async (state: Checkpoint['state'], signal: AbortSignal): Promise<void> => {
    const startedAt = monotonic();
    eventsSince = 0;
    try {
      // A position that the log does not have must not get into its checkpoint.
      if (!isLost && lastEvent !== null && !(await isInLog(lastEvent))) {
        lose(
          'The log no longer holds the event that was published last: it was restored or lost its end. It is published from its beginning again',
          { ...lastEvent },
        );
      }
      const upTo = position;
      const published = new Map(offsets);
      if (upTo !== null) await flush(upTo);
      const checkpoint = { position: upTo, offsets: published, owner, state };
      revision = await checkpoints.write(revision, checkpoint, signal);
      renewedAt = startedAt;
      writeOutage.over();
    } catch (error) {
      if (error instanceof WrongExpectedRevisionError) {
        logger.warn('Another bridge has taken over', { owner });
        onFenced();
      } else if (!signal.aborted) {
        writeOutage.failed(error);
        if (!isRetriable(error)) onFailed(error);
      }
    }
  };

  const renew = (): Promise<void> =>
    (renewing ??= write('held', stopped.signal).finally(() => (renewing = null)));

  const heartbeats = pause(everyMs, stopped.signal).then(() =>
    repeat(renew, everyMs, stopped.signal),
  );

  return {
    acknowledge(upTo, events, last) {
      if (isLost) return;
      const behind = [...last].find(
        ([partition, offset]) => offset <= (offsets.get(partition) ?? -1n),
      );
      if (behind !== undefined) {
        // Offsets only grow, unless the topic was created again or lost its end.
        const [partition, offset] = behind;
        const known = offsets.get(partition);
        lose('The topic has lost records. The log is published from its beginning again', {
          partition,
          offset,
          known,
        });
        return;
      }
      position = upTo;
      lastEvent = events.at(-1) ?? lastEvent;
      for (const [partition, offset] of last) offsets.set(partition, offset);
      eventsSince += events.length;
      if (eventsSince >= everyEvents) void renew();
    },

    async ensureFresh() {
      if (monotonic() - renewedAt >= staleAfterMs) await renew();
    },

    async stop(release, timeoutMs) {
      stopped.abort();
      await heartbeats;
      await renewing;
      if (release) await write('released', AbortSignal.timeout(timeoutMs));
    },
  };
};
