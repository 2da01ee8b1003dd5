import { setImmediate as nextTurn } from 'node:timers/promises';
import { SpanKind } from '@opentelemetry/api';
import { createOutage } from '../platform/async/outage.js';
import { type Backoff, retry } from '../platform/async/retry.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { spanInEachTrace, traceparentIn } from '../platform/observability/trace-context.js';
import type { DeadLetters } from '../ports/dead-letters.js';
import { isRetriable, TooLargeError } from '../ports/errors.js';
import type { BusPublisher, Offsets } from '../ports/event-bus.js';
import type { Position, RecordedEvent } from '../ports/event-store.js';

/** An item of the log subscription: an event to publish, or a position without one. */
export interface EventToPublish {
  readonly event: RecordedEvent | null;
  readonly position: Position;
}

export interface BatcherOptions {
  /** Called with one batch at a time: the next one waits until it has resolved. */
  readonly publish: (events: readonly RecordedEvent[]) => Promise<Offsets>;
  /** Everything up to the last entry is on the bus. */
  readonly onPublished: (entries: readonly EventToPublish[], last: Offsets) => void;
  /** `publish` has rejected: nothing more is published. */
  readonly onFailed: (error: unknown) => void;
  readonly maxBytes: number;
  readonly maxEvents: number;
}

export interface Batcher {
  /** Resolves once there is room for another entry; rejects after publishing has failed. */
  add(entry: EventToPublish): Promise<void>;
  /** The events that are not known to be on the bus. */
  waiting(): readonly RecordedEvent[];
  /** Resolves when all is published or publishing has failed. Do not call `add` after it. */
  drain(): Promise<void>;
}

const NOTHING_NEW: Offsets = new Map();

/** Estimated size of an event without its data, which is mostly Kafka headers. */
const OVERHEAD_BYTES = 400;

/**
 * Collects the next batch while one is being published. A single event is published at once; under
 * load batches grow up to the limits.
 */
export const createBatcher = (options: BatcherOptions): Batcher => {
  const { publish, onPublished, onFailed, maxBytes, maxEvents } = options;
  let entries: EventToPublish[] = [];
  let bytes = 0;
  let closed = false;
  let failure: { readonly error: unknown } | null = null;
  let inFlight: readonly EventToPublish[] = [];
  let wake = (): void => undefined;
  let makeRoom = (): void => undefined;

  const isFull = () => bytes >= maxBytes || entries.length >= maxEvents;

  const publishAll = async (): Promise<void> => {
    for (;;) {
      if (entries.length === 0) {
        if (closed) return;
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      // What arrives in this turn of the event loop joins the batch.
      await nextTurn();
      inFlight = entries;
      entries = [];
      bytes = 0;
      makeRoom();
      const events = eventsOfBatch(inFlight);
      onPublished(inFlight, events.length > 0 ? await publish(events) : NOTHING_NEW);
      inFlight = [];
    }
  };

  const running = publishAll().catch((error: unknown) => {
    failure = { error };
    onFailed(error);
    makeRoom();
  });

  return {
    async add(entry) {
      entries.push(entry);
      bytes += (entry.event?.data.byteLength ?? 0) + OVERHEAD_BYTES;
      wake();
      while (isFull() && failure === null) {
        await new Promise<void>((resolve) => (makeRoom = resolve));
      }
      if (failure !== null) throw failure.error;
    },

    waiting: () => [...eventsOfBatch(inFlight), ...eventsOfBatch(entries)],

    drain() {
      closed = true;
      wake();
      return running;
    },
  };
};

export const eventsOfBatch = (entries: readonly EventToPublish[]): RecordedEvent[] =>
  entries.flatMap(({ event }) => event ?? []);

/** By the names of OpenTelemetry: `messaging.system` and `messaging.destination.name`. */
export interface BusDestination {
  readonly system: string;
  readonly name: string;
}

export interface RetryingPublisherOptions {
  /** Opens a publisher; the next one is asked for only after this one was closed. */
  readonly publisher: () => Promise<BusPublisher>;
  /** For the attributes of spans. */
  readonly destination: BusDestination;
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
   * Retries until the bus has accepted the batch; returns the last offsets. Rejects when the signal
   * aborts, or with an error that is not retriable.
   */
  publish(events: readonly RecordedEvent[], signal: AbortSignal): Promise<Offsets>;
  /** Abandons the batch in flight. The next batch opens another publisher. */
  close(): Promise<void>;
}

export const createRetryingPublisher = (options: RetryingPublisherOptions): RetryingPublisher => {
  const { deadLetters, logger, metrics, backoff, now, monotonic, onAttempt } = options;
  const busOutage = createOutage({
    begun: 'Could not publish a batch; retrying',
    ended: 'Batches are published again',
    logger,
    monotonic,
  });
  const deadLetterOutage = createOutage({
    begun: 'Could not add a dead letter; retrying',
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

  const { system, name } = options.destination;
  const traced = (events: readonly RecordedEvent[], signal: AbortSignal): Promise<Offsets> =>
    spanInEachTrace(
      `publish ${name}`,
      {
        // Not a producer's: consumers continue from the span that was stored with the event.
        kind: SpanKind.CLIENT,
        attributes: {
          'messaging.system': system,
          'messaging.destination.name': name,
          'messaging.operation.name': 'publish',
          'messaging.operation.type': 'send',
          'messaging.batch.message_count': events.length,
        },
      },
      tracesToPublish(events),
      () => publish(events, signal),
    );

  return {
    publish: traced,
    close: async () => {
      const closing = current;
      current = null;
      await closing?.close().catch((error: unknown) => {
        logger.warn('A publisher did not close cleanly', { error });
      });
    },
  };
};

function* tracesToPublish(events: readonly RecordedEvent[]): Generator<string | undefined> {
  for (const { metadata } of events) yield traceparentIn(metadata);
}
