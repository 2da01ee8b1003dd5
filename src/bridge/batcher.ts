import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BusRecord, Offsets } from '../ports/event-bus.js';
import type { Position } from '../ports/event-store.js';
import { pause } from '../platform/async/retry.js';

/** What the log delivered: an event for the bus, or only that the log was read so far. */
export interface Entry {
  readonly record: BusRecord | null;
  readonly position: Position;
  /** Milliseconds since the epoch; 0 where there is no event. */
  readonly recordedAt: number;
}

export interface BatcherOptions {
  /** Called with one batch at a time, never with the next before it has resolved. */
  readonly publish: (records: readonly BusRecord[]) => Promise<Offsets>;
  /** Everything up to the last of these is on the bus. */
  readonly onPublished: (entries: readonly Entry[], last: Offsets) => void;
  readonly maxBytes: number;
  readonly maxRecords: number;
  /** Waited before a batch is taken, for more to join it; 0: one turn of the event loop. */
  readonly lingerMs: number;
}

const NOTHING_NEW: Offsets = new Map();

/** Headers of a record, about. */
const OVERHEAD_BYTES = 400;

/**
 * While one batch is published the next one collects, up to the limits: an event alone goes out at
 * once, and under load batches grow by themselves.
 */
export const createBatcher = (options: BatcherOptions) => {
  const { publish, onPublished, maxBytes, maxRecords, lingerMs } = options;
  let entries: Entry[] = [];
  let bytes = 0;
  let closed = false;
  let failure: { readonly error: unknown } | null = null;
  let inFlight: readonly Entry[] = [];
  let wake = (): void => undefined;
  let makeRoom = (): void => undefined;

  const isFull = () => bytes >= maxBytes || entries.length >= maxRecords;

  const pump = async (): Promise<void> => {
    for (;;) {
      if (entries.length === 0) {
        if (closed) return;
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      if (lingerMs > 0 && !isFull()) await pause(lingerMs);
      else await nextTurn();
      inFlight = entries;
      entries = [];
      bytes = 0;
      makeRoom();
      const records = inFlight.flatMap(({ record }) => record ?? []);
      onPublished(inFlight, records.length > 0 ? await publish(records) : NOTHING_NEW);
      inFlight = [];
    }
  };

  const running = pump().catch((error: unknown) => {
    failure = { error };
    makeRoom();
  });

  return {
    /** Resolves once there is room for another one; rejects when publishing was given up. */
    async add(entry: Entry): Promise<void> {
      entries.push(entry);
      bytes += (entry.record?.value?.byteLength ?? 0) + OVERHEAD_BYTES;
      wake();
      while (isFull() && failure === null) {
        await new Promise<void>((resolve) => (makeRoom = resolve));
      }
      if (failure !== null) throw failure.error;
    },

    /** Taken and not known to be on the bus. */
    waiting: (): readonly Entry[] => [...inFlight, ...entries],

    /** Resolves when all is published, or publishing was given up. Nothing is added after it. */
    drain(): Promise<void> {
      closed = true;
      wake();
      return running;
    },
  };
};

export type Batcher = ReturnType<typeof createBatcher>;
