import type { BusItem, BusPublisher, Offsets } from '../../src/ports/event-bus.js';
import type { RecordedEvent } from '../../src/ports/event-store.js';

/** What was published: an event, or the marker of one. */
export interface PublishedEvent {
  readonly event: RecordedEvent;
  readonly isMarker: boolean;
  readonly logId: string;
}

/**
 * A bus of which only publishing is looked at. `before` may hold a batch back or refuse it; with
 * `keeps` the items stay, on one partition.
 */
export const recordingBus = (
  before: (published: readonly PublishedEvent[]) => Promise<void> | void = () => undefined,
  { keeps = false } = {},
) => {
  const published: PublishedEvent[] = [];
  const batches: number[] = [];
  let publishers = 0;
  let inFlight = 0;
  let mostInFlight = 0;

  const publish = async (batch: readonly PublishedEvent[]): Promise<Offsets> => {
    inFlight += 1;
    mostInFlight = Math.max(mostInFlight, inFlight);
    try {
      await before(batch);
      published.push(...batch);
      batches.push(batch.length);
      return new Map(keeps ? [[0, BigInt(published.length - 1)]] : []);
    } finally {
      inFlight -= 1;
    }
  };
  const publisher = (logId: string): Promise<BusPublisher> => {
    publishers += 1;
    return Promise.resolve({
      publish: (events) => publish(events.map((event) => ({ event, isMarker: false, logId }))),
      publishMarker: (event) => publish([{ event, isMarker: true, logId }]),
      close: () => Promise.resolve(),
    });
  };
  const sample = (): Promise<BusItem | null> => {
    const [first] = published;
    if (first === undefined) return Promise.resolve(null);
    const { event, logId } = first;
    return Promise.resolve({ kind: 'event', event, logId, partition: 0, offset: 0n });
  };
  return {
    publisher,
    ends: () => Promise.resolve(keeps ? new Map([[0, BigInt(published.length)]]) : null),
    sample,
    published,
    batches,
    publishers: () => publishers,
    mostInFlight: () => mostInFlight,
    events: () => published.map(({ event }) => event),
    places: () => published.map(({ event }) => `${event.stream}@${event.revision}`),
  };
};

/** The gaps of each stream: repeats are fine, a revision before its predecessor is not. */
export const gapsIn = (
  events: readonly Pick<RecordedEvent, 'stream' | 'revision'>[],
): readonly string[] => {
  const newest = new Map<string, bigint>();
  return events.flatMap(({ stream, revision }) => {
    const last = newest.get(stream) ?? -1n;
    if (revision > last) newest.set(stream, revision);
    return revision > last + 1n ? [`${stream}: ${last + 1n} to ${revision - 1n}`] : [];
  });
};
