import type { DeadLetters } from '../ports/dead-letters.js';
import { PortError, TooLargeError } from '../ports/errors.js';
import type { BusPublisher, BusRecord, Offsets } from '../ports/event-bus.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { createOutage } from '../platform/async/outage.js';
import { backoffMs, pause, type Backoff } from '../platform/async/retry.js';
import { MARKER_HEADER, toMarker } from '../wire/envelope.js';

export interface RetryingPublisherOptions {
  /** A publisher that cannot go on is closed and another one taken. */
  readonly publisher: () => Promise<BusPublisher>;
  readonly deadLetters: DeadLetters;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly retry: Backoff;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Told of every attempt: the error, or null once it has worked. */
  readonly onAttempt: (error: unknown) => void;
}

/**
 * Publishes batches one after the other, each until the bus has taken it: an event that was read is
 * never passed over. Answers the last offsets. Rejects only when the signal aborts.
 */
export const createRetryingPublisher = (options: RetryingPublisherOptions) => {
  const { deadLetters, logger, metrics, retry, now, monotonic, onAttempt } = options;
  const unpublished = createOutage({
    begun: 'A batch was not published and is tried again',
    ended: 'Batches are published again',
    ...{ logger, monotonic },
  });
  const unlisted = createOutage({
    begun: 'A dead letter was not taken and is tried again',
    ended: 'Dead letters are taken again',
    ...{ logger, monotonic },
  });
  let current: BusPublisher | null = null;

  const deliver = async (records: readonly BusRecord[], signal: AbortSignal): Promise<Offsets> => {
    for (let attempt = 0; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        current ??= await options.publisher();
        const offsets = await current.publish(records);
        onAttempt(null);
        unpublished.over();
        return offsets;
      } catch (error) {
        if (error instanceof TooLargeError) {
          return await split(records, signal);
        }
        onAttempt(error);
        unpublished.failed(error, { records: records.length });
        if (!(error instanceof PortError) || !error.retriable) await close();
        await pause(backoffMs(attempt, retry), signal);
      }
    }
  };

  const split = async (records: readonly BusRecord[], signal: AbortSignal): Promise<Offsets> => {
    const [only] = records;
    if (only === undefined) return new Map();
    if (records.length > 1) {
      const middle = records.length >> 1;
      const first = await deliver(records.slice(0, middle), signal);
      const second = await deliver(records.slice(middle), signal);
      return new Map([...first, ...second]);
    }
    if (only.headers[MARKER_HEADER] === undefined) {
      await list(only, signal);
      return await deliver([toMarker(only)], signal);
    }
    // Not even its place fits. Whoever reads the stream's next event will miss this one and ask the
    // log for it.
    logger.error('An event does not fit on the bus', { stream: only.key });
    return new Map();
  };

  const list = async ({ key, headers, value }: BusRecord, signal: AbortSignal): Promise<void> => {
    metrics.deadLetters.inc();
    for (let attempt = 0; ; attempt += 1) {
      try {
        await deadLetters.add({
          stream: key,
          revision: Number(headers['esdb-record-stream-revision']),
          source: key,
          reason: 'The event is too large for the bus.',
          value,
          at: new Date(now()).toISOString(),
        });
        unlisted.over();
        return;
      } catch (error) {
        onAttempt(error);
        unlisted.failed(error, { stream: key });
        await pause(backoffMs(attempt, retry), signal);
        signal.throwIfAborted();
      }
    }
  };

  const close = async (): Promise<void> => {
    const closing = current;
    current = null;
    await closing?.close().catch((error: unknown) => {
      logger.warn('A publisher did not close cleanly', { error });
    });
  };

  return { deliver, close };
};

export type RetryingPublisher = ReturnType<typeof createRetryingPublisher>;
