import type { Logger } from '../../platform/observability/logger.js';
import { backoffMs, pause, type Backoff } from '../../platform/async/retry.js';
import { PortError } from '../../ports/errors.js';
import type {
  SubscriptionItem,
  DropReason,
  Position,
  SubscriptionOptions,
} from '../../ports/event-store.js';
import type { EventStoreConnection, Outages } from './connection.js';
import { ALL_STREAMS, readError } from './errors.js';
import { linkedSignal } from '../../platform/async/abort.js';
import { responses, SilenceError, subscribeRequest } from './messages.js';
import type { ReadResponse } from './read-responses.js';

export interface LogSubscriptionsOptions {
  readonly connection: EventStoreConnection;
  readonly logger: Logger;
  /** Without an event or a checkpoint for this long, a subscription is reopened. */
  readonly silenceMs: number;
  readonly backoff: Backoff;
  readonly closing: AbortSignal;
  readonly outages: Outages;
}

/** The progress and health of a subscription. */
interface SubscriptionProgress {
  after: Position | 'start';
  /** Whether the server has responded to the latest subscribe request. */
  answered: boolean;
  /** Drops since the last delivery. */
  drops: number;
}

/**
 * The client never resumes a subscription, and one may end with an error, without one, or by
 * falling silent. All of these count as drops and are resumed after the last delivered position.
 * Only a permanent refusal, the caller's signal and `close` end the iteration.
 */
export const createSubscriptions = (options: LogSubscriptionsOptions) => {
  const { closing, backoff } = options;
  return async function* subscribeToAll({
    after,
    streamPrefix,
    signal: callers,
    onDrop = () => undefined,
  }: SubscriptionOptions): AsyncGenerator<SubscriptionItem, void, undefined> {
    const { signal, unlink } = linkedSignal(closing, callers);
    const ended = () => signal.aborted;
    const progress: SubscriptionProgress = { after, answered: false, drops: 0 };
    try {
      while (!ended()) {
        let reason: DropReason;
        try {
          yield* subscribeOnce(options, progress, streamPrefix, signal);
          if (ended()) return;
          reason = 'ended';
        } catch (error) {
          const failure = readError(error, ALL_STREAMS);
          if (!(failure instanceof PortError && failure.retriable)) throw failure;
          if (isQuiet(failure, progress)) continue;
          reason = dropReasonOf(failure);
          if (reason !== 'slow-consumer') options.outages.failed('subscription', failure);
        }
        onDrop(reason);
        noteDrop(options, progress, reason);
        const atOnce = reason === 'slow-consumer' && progress.drops === 1;
        if (!atOnce) await pause(backoffMs(progress.drops - 1, backoff), signal);
      }
    } finally {
      unlink();
    }
  };
};

async function* subscribeOnce(
  { connection, silenceMs, outages }: LogSubscriptionsOptions,
  progress: SubscriptionProgress,
  streamPrefix: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionItem, void, undefined> {
  progress.answered = false;
  const open = () =>
    connection.read(subscribeRequest(progress.after, streamPrefix), { leaderOnly: false });
  for await (const response of responses(open, { silenceMs, signal })) {
    progress.answered = true;
    const delivery = deliveryOf(response);
    if (delivery === undefined) continue;
    outages.answered('subscription');
    progress.drops = 0;
    if (delivery.kind === 'event') progress.after = delivery.event.position;
    if (delivery.kind === 'checkpoint') progress.after = delivery.position;
    yield delivery;
  }
}

const deliveryOf = ({
  event,
  checkpoint,
  hasCaughtUp,
}: ReadResponse): SubscriptionItem | undefined => {
  if (event !== undefined) return { kind: 'event', event };
  if (checkpoint !== undefined) return { kind: 'checkpoint', position: checkpoint };
  return hasCaughtUp === true ? { kind: 'caught-up' } : undefined;
};

/**
 * A quiet log looks the same as a server that lost the subscription. Subscribing again is cheap and
 * tells them apart: a healthy server responds at once.
 */
const isQuiet = (failure: PortError, { answered }: SubscriptionProgress): boolean =>
  failure instanceof SilenceError && answered;

/** Since 22.10 a server ends a live subscription whose consumer lags, and expects it to resume. */
const dropReasonOf = (failure: PortError): DropReason => {
  if (failure instanceof SilenceError) return 'silence';
  return /Consumer too slow/i.test(String(failure.context['details']))
    ? 'slow-consumer'
    : 'unavailable';
};

const noteDrop = (
  { logger }: LogSubscriptionsOptions,
  progress: SubscriptionProgress,
  reason: DropReason,
): void => {
  progress.drops += 1;
  // An outage is logged once, in a line of its own.
  const isOrdinary = reason === 'slow-consumer' || reason === 'ended';
  const log = isOrdinary && progress.drops === 1 ? logger.info : logger.debug;
  log('Subscription to the event store dropped, resuming', {
    after: progress.after === 'start' ? 'start' : progress.after.commit,
    drops: progress.drops,
    reason,
  });
};
