import type { StreamDeletion } from '../../support/stream-deletion.js';
import { randomUUID } from 'node:crypto';
import { pause } from '../../../src/platform/async/retry.js';
import { PortError } from '../../../src/ports/errors.js';
import type {
  AppendResult,
  SubscriptionItem,
  EncodedEvent,
  EventStore,
  ExpectedRevision,
  NewEvent,
  Position,
  RecordedEvent,
  SubscriptionOptions,
} from '../../../src/ports/event-store.js';
import type { JsonObject } from '../../../src/ports/json.js';

/** Names that nothing else writes to, collected so that they can be deleted. */
export const freshStreams = () => {
  const run = `contract_${randomUUID().slice(0, 8)}`;
  const names = new Set<string>();
  const named = (label: string, suffix = '') => {
    const name = `${run}-${label}-${randomUUID().slice(0, 8)}${suffix}`;
    names.add(name);
    return name;
  };
  return {
    named,
    /** Streams with a common prefix of their own. */
    family: (label: string, size: number) => {
      const prefix = `${run}-${label}-${randomUUID().slice(0, 8)}-`;
      const family = Array.from({ length: size }, (_, n) => `${prefix}${n}`);
      family.forEach((name) => names.add(name));
      return { prefix, streams: family };
    },
    deleteAll: async (store: StreamDeletion) => {
      for (const name of names) await store.deleteStream(name).catch(() => undefined);
    },
  };
};

export type FreshStreams = ReturnType<typeof freshStreams>;

export const newEvent = (data: JsonObject = {}, metadata: JsonObject = {}): NewEvent => ({
  id: randomUUID(),
  type: 'ContractTested',
  data,
  metadata,
});

export const newEvents = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, n) => newEvent({ n }));

export const ids = (events: readonly { readonly id: string }[]): string[] =>
  events.map(({ id }) => id);

export const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

export const bodies = (events: readonly RecordedEvent[]): unknown[] =>
  events.map(({ data }) => JSON.parse(Buffer.from(data).toString('utf8')) as unknown);

/** Appends one event at a time, so that positions are known. */
export const appendEach = async (
  store: EventStore,
  stream: string,
  events: readonly NewEvent[],
  expected: ExpectedRevision = 'no_stream',
): Promise<AppendResult[]> => {
  const results: AppendResult[] = [];
  for (const event of events) {
    results.push(await store.append(stream, results.at(-1)?.revision ?? expected, [event]));
  }
  return results;
};

/**
 * Follows the rule of the port: retry the same ids at the same expected revision until the outcome
 * is known.
 */
export const appendUntilKnown = async (
  store: EventStore,
  stream: string,
  expected: ExpectedRevision,
  events: readonly (NewEvent | EncodedEvent)[],
): Promise<AppendResult> => {
  for (;;) {
    try {
      return await store.append(stream, expected, events);
    } catch (error) {
      if (!(error instanceof PortError && error.retriable)) throw error;
      await pause(20);
    }
  }
};

/** The current end of the log, so that the suite never reads older events. */
export const positionNow = async (store: EventStore, streams: FreshStreams): Promise<Position> =>
  (await store.append(streams.named('marker'), 'no_stream', [newEvent()])).position;

/** Collects deliveries until it is stopped. */
export const follow = (store: EventStore, options: Omit<SubscriptionOptions, 'signal'>) => {
  const stopping = new AbortController();
  const deliveries: SubscriptionItem[] = [];
  const ended = (async () => {
    const all = store.subscribeToAll({ ...options, signal: stopping.signal });
    for await (const delivery of all) deliveries.push(delivery);
  })();
  ended.catch(() => undefined);
  return {
    deliveries,
    ended,
    events: () => deliveries.flatMap((one) => (one.kind === 'event' ? [one.event] : [])),
    kinds: () => deliveries.map(({ kind }) => kind),
    /** Rejects if the iteration did. */
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
};
