import type { DeadLetters } from '../ports/dead-letters.js';
import { isRetriable, TooLargeError } from '../ports/errors.js';
import type { BusPublisher, Offsets } from '../ports/event-bus.js';
import type { RecordedEvent } from '../ports/event-store.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { createOutage } from '../platform/async/outage.js';
import { retry, type Backoff } from '../platform/async/retry.js';

export interface RetryingPublisherOptions {
  /** Opens a publisher; the next one is asked for only after this one was closed. */
  readonly publisher: () => Promise<BusPublisher>;
  readonly deadLetters: DeadLetters;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly backoff: Backoff;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Called after every attempt: with the error, or null once it has worked. */
  readonly onAttempt: (error: unknown) => void;
}

export interface RetryingPublisher {
  /**
   * Publishes a batch, again and again until the bus has taken it. Returns the last offsets. Rejects
   * when the signal aborts, and where no repetition helps.
   */
  publish(events: readonly RecordedEvent[], signal: AbortSignal): Promise<Offsets>;
  /** What is being published is given up. The next batch opens another publisher. */
  close(): Promise<void>;
}

export const createRetryingPublisher = (options: RetryingPublisherOptions): RetryingPublisher => {
  const { deadLetters, logger, metrics, backoff, now, monotonic, onAttempt } = options;
  const busOutage = createOutage({
    begun: 'A batch was not published and is tried again',
    ended: 'Batches are published again',
    logger,
    monotonic,
  });
  const deadLetterOutage = createOutage({
    begun: 'A dead letter was not added and is tried again',
    ended: 'Dead letters are added again',
    logger,
    monotonic,
  });
  let current: BusPublisher | null = null;

  const untilTaken = (
    send: (publisher: BusPublisher) => Promise<Offsets>,
    events: readonly RecordedEvent[],
    signal: AbortSignal,
  ): Promise<Offsets> => {
    const attempt = async (): Promise<Offsets> => {
      signal.throwIfAborted();
      current ??= await options.publisher();
      const offsets = await send(current);
      onAttempt(null);
      busOutage.over();
      return offsets;
    };
    return retry(attempt, {
      backoff,
      signal,
      retriable: isRetriable,
      onFailure: (error) => {
        onAttempt(error);
        busOutage.failed(error, { events: events.length });
      },
    });
  };

  const publish = async (
    events: readonly RecordedEvent[],
    signal: AbortSignal,
  ): Promise<Offsets> => {
    try {
      return await untilTaken((publisher) => publisher.publish(events), events, signal);
    } catch (error) {
      if (!(error instanceof TooLargeError)) throw error;
      return await publishInParts(events, signal);
    }
  };

  const publishInParts = async (
    events: readonly RecordedEvent[],
    signal: AbortSignal,
  ): Promise<Offsets> => {
    const [event] = events;
    if (event === undefined) return new Map();
    if (events.length === 1) return await publishMarker(event, signal);
    const middle = events.length >> 1;
    const first = await publish(events.slice(0, middle), signal);
    const second = await publish(events.slice(middle), signal);
    return new Map([...first, ...second]);
  };

  const publishMarker = async (event: RecordedEvent, signal: AbortSignal): Promise<Offsets> => {
    await addDeadLetter(event, signal);
    try {
      return await untilTaken((publisher) => publisher.publishMarker(event), [event], signal);
    } catch (error) {
      if (!(error instanceof TooLargeError)) throw error;
      // Even the marker is too large. The next event of the stream shows a gap, which the projector
      // fills from the event store.
      const { stream, revision } = event;
      logger.error('An event and its marker are too large for the bus', { stream, revision });
      return new Map();
    }
  };

  const addDeadLetter = async (
    { stream, revision, data }: RecordedEvent,
    signal: AbortSignal,
  ): Promise<void> => {
    metrics.deadLetters.inc();
    const add = () =>
      deadLetters.add({
        stream,
        revision: Number(revision),
        source: stream,
        reason: 'The event is too large for the bus.',
        value: data,
        at: new Date(now()).toISOString(),
      });
    await retry(add, {
      backoff,
      signal,
      retriable: isRetriable,
      onFailure: (error) => {
        onAttempt(error);
        deadLetterOutage.failed(error, { stream });
      },
    });
    deadLetterOutage.over();
  };

  return {
    publish,
    close: async () => {
      const closing = current;
      current = null;
      await closing?.close().catch((error: unknown) => {
        logger.warn('A publisher did not close cleanly', { error });
      });
    },
  };
};
