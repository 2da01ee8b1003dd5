import { ANIME_STREAM_PREFIX } from '../domain/stream-name.js';
import { PortError, UnavailableError } from '../ports/errors.js';
import type { SubscriptionItem, DropReason, EventStore, Position } from '../ports/event-store.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { createOutage } from '../platform/async/outage.js';
import { backoffMs, pause, type Backoff } from '../platform/async/retry.js';
import { toRecord } from '../wire/envelope.js';
import type { Entry } from './batcher.js';

export interface FollowOptions {
  readonly eventStore: EventStore;
  /** The CloudEvents source of the log. */
  readonly source: string;
  readonly after: Position | 'start';
  readonly signal: AbortSignal;
  readonly retry: Backoff;
  readonly monotonic: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Takes one entry after the other, and holds the log back by taking its time. */
  readonly add: (entry: Entry) => Promise<void>;
  readonly onCaughtUp: () => void;
  /** Told when the log is followed again (null), or why it is not. */
  readonly onAttempt: (error: unknown) => void;
}

/**
 * Follows the log from a position on until the signal aborts. An end of a subscription that was
 * not asked for is a drop, whether the store resumes it or it is followed again here, after the last
 * entry that was taken. Rejects with what no repetition mends: a refusal for good, or a bug.
 */
export const followLog = async (options: FollowOptions): Promise<void> => {
  const { eventStore, signal, retry, logger, metrics, monotonic, onAttempt } = options;
  const outage = createOutage({
    begun: 'The log is no longer followed and will be again',
    ended: 'The log is followed again',
    ...{ logger, monotonic },
  });
  let after = options.after;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const onDrop = (reason: DropReason) => metrics.bridgeDrops.inc({ reason });
    const subscription = { after, streamPrefix: ANIME_STREAM_PREFIX, signal, onDrop };
    let failure: PortError | null = null;
    try {
      for await (const delivery of eventStore.subscribeToAll(subscription)) {
        onAttempt(null);
        outage.over();
        attempt = 0;
        after = (await take(delivery, options)) ?? after;
      }
    } catch (error) {
      if (isOver(signal)) return;
      if (!(error instanceof PortError && error.retriable)) throw error;
      failure = error;
    }
    if (isOver(signal)) return;
    onDrop(failure === null ? 'ended' : 'unavailable');
    const why = failure ?? new UnavailableError('The subscription ended.');
    onAttempt(why);
    outage.failed(why);
    await pause(backoffMs(attempt, retry), signal);
  }
};

/** Answers how far the log is taken now. */
const take = async (
  delivery: SubscriptionItem,
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
