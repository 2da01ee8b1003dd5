import type { BusPublisher, BusRecord } from '../../src/ports/event-bus.js';

/**
 * A bus of which only publishing is looked at. `before` may hold a batch back or refuse it; with
 * `keeps` the records stay, on one partition.
 */
export const recordingBus = (
  before: (records: readonly BusRecord[]) => Promise<void> | void = () => undefined,
  { keeps = false } = {},
) => {
  const published: BusRecord[] = [];
  const batches: number[] = [];
  let publishers = 0;
  let inFlight = 0;
  let mostInFlight = 0;
  const publisher = (): Promise<BusPublisher> => {
    publishers += 1;
    return Promise.resolve({
      publish: async (records) => {
        inFlight += 1;
        mostInFlight = Math.max(mostInFlight, inFlight);
        try {
          await before(records);
          published.push(...records);
          batches.push(records.length);
          return new Map(keeps ? [[0, BigInt(published.length - 1)]] : []);
        } finally {
          inFlight -= 1;
        }
      },
      close: () => Promise.resolve(),
    });
  };
  return {
    publisher,
    ends: () => Promise.resolve(keeps ? new Map([[0, BigInt(published.length)]]) : null),
    sample: () => Promise.resolve(published[0] ?? null),
    published,
    batches,
    publishers: () => publishers,
    mostInFlight: () => mostInFlight,
    places: () =>
      published.map(
        ({ headers }) =>
          `${headers['esdb-record-stream-id']}@${headers['esdb-record-stream-revision']}`,
      ),
  };
};

/** Where a stream's records leave a hole: repeats are fine, a revision before its predecessor is not. */
export const holesIn = (published: readonly BusRecord[]): string[] => {
  const newest = new Map<string, number>();
  return published.flatMap(({ key, headers }) => {
    const revision = Number(headers['esdb-record-stream-revision']);
    const expected = (newest.get(key) ?? -1) + 1;
    newest.set(key, Math.max(revision, expected - 1));
    return revision > expected ? [`${key}: ${expected} to ${revision - 1}`] : [];
  });
};
