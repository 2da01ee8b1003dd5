import { ANIME_STREAM_PREFIX } from '../domain/stream-name.js';
import type { Delivery, EventStore, Position } from '../ports/event-store.js';
import type { Logger } from '../platform/logger.js';
import type { Metrics } from '../platform/metrics.js';
import { backoffMs, pause, type Backoff } from '../platform/retry.js';
import { toRecord } from '../wire/envelope.js';
import type { Entry } from './outbox.js';

export interface FollowOptions {
  readonly eventStore: EventStore;
  /** The CloudEvents source of the log. */
  readonly source: string;
  readonly after: Position | 'start';
  readonly signal: AbortSignal;
  readonly retry: Backoff;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Takes one entry after the other, and holds the log back by taking its time. */
  readonly add: (entry: Entry) => Promise<void>;
  readonly onCaughtUp: () => void;
  /** Told when the log is followed again (null), or why it is not. */
  readonly onAttempt: (error: unknown) => void;
}

/**
 * Follows the log from a position on until the signal aborts. Every end of a subscription that was
 * not asked for is a drop: the log is followed again after the last entry that was taken.
 */
export const followLog = async (options: FollowOptions): Promise<void> => {
  const { eventStore, signal, retry, logger, metrics, onAttempt } = options;
  let after = options.after;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const subscription = { after, streamPrefix: ANIME_STREAM_PREFIX, signal };
    let reason: unknown = null;
    try {
      for await (const delivery of eventStore.subscribeToAll(subscription)) {
        onAttempt(null);
        attempt = 0;
        after = (await take(delivery, options)) ?? after;
      }
    } catch (error) {
      reason = error;
    }
    if (isOver(signal)) return;
    metrics.bridgeDrops.inc();
    onAttempt(reason ?? new Error('The subscription ended.'));
    logger.warn('The log is no longer followed and will be again', { attempt, error: reason });
    await pause(backoffMs(attempt, retry), signal);
  }
};

/** Answers how far the log is taken now. */
const take = async (
  delivery: Delivery,
  { source, add, onCaughtUp }: FollowOptions,
): Promise<Position | null> => {
  if (delivery.kind === 'caught-up') {
    onCaughtUp();
    return null;
  }
  if (delivery.kind === 'checkpoint') {
    await add({ record: null, position: delivery.position, recordedAt: 0 });
    return delivery.position;
  }
  const { event } = delivery;
  // Types that begin so belong to the event store itself, and mean nothing to anybody else.
  const record = event.type.startsWith('$') ? null : toRecord(event, source);
  await add({ record, position: event.position, recordedAt: event.recordedAt });
  return event.position;
};

/** A signal may have been aborted meanwhile, whatever was seen of it before. */
const isOver = (signal: AbortSignal): boolean => signal.aborted;
