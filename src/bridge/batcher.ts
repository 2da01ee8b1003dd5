import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Offsets } from '../ports/event-bus.js';
import type { Position, RecordedEvent } from '../ports/event-store.js';

/** What the log delivered: an event for the bus, or only that the log was read up to here. */
export interface BatchEntry {
  readonly event: RecordedEvent | null;
  readonly position: Position;
}

export interface BatcherOptions {
  /** Called with one batch at a time: the next one waits until it has resolved. */
  readonly publish: (events: readonly RecordedEvent[]) => Promise<Offsets>;
  /** Everything up to the last entry is on the bus. */
  readonly onPublished: (entries: readonly BatchEntry[], last: Offsets) => void;
  /** `publish` has rejected: nothing more is published. */
  readonly onFailed: (error: unknown) => void;
  readonly maxBytes: number;
  readonly maxEvents: number;
}

export interface Batcher {
  /** Resolves once there is room for another entry; rejects when publishing was given up. */
  add(entry: BatchEntry): Promise<void>;
  /** The events that are not known to be on the bus. */
  waiting(): readonly RecordedEvent[];
  /** Resolves when all is published, or publishing was given up. Nothing is added after it. */
  drain(): Promise<void>;
}

const NOTHING_NEW: Offsets = new Map();

/** Of an event beside its data, about: on Kafka these are headers. */
const OVERHEAD_BYTES = 400;

/**
 * While one batch is published the next one collects, up to the limits: a single event is published
 * at once, and under load batches grow by themselves.
 */
export const createBatcher = (options: BatcherOptions): Batcher => {
  const { publish, onPublished, onFailed, maxBytes, maxEvents } = options;
  let entries: BatchEntry[] = [];
  let bytes = 0;
  let closed = false;
  let failure: { readonly error: unknown } | null = null;
  let inFlight: readonly BatchEntry[] = [];
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
      const events = eventsOf(inFlight);
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

    waiting: () => [...eventsOf(inFlight), ...eventsOf(entries)],

    drain() {
      closed = true;
      wake();
      return running;
    },
  };
};

export const eventsOf = (entries: readonly BatchEntry[]): RecordedEvent[] =>
  entries.flatMap(({ event }) => event ?? []);
