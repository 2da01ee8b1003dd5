import { randomUUID } from 'node:crypto';
import {
  StreamDeletedError,
  TooLargeError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../src/ports/errors.js';
import {
  type EncodedEvent,
  type EventStore,
  type ExpectedRevision,
  isEncoded,
  type NewEvent,
  type RecordedEvent,
  type SubscriptionItem,
} from '../../src/ports/event-store.js';
import type { JsonObject } from '../../src/ports/json.js';
import type { StreamDeletion } from './stream-deletion.js';

const MAX_APPEND_BYTES = 1024 * 1024;

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

type StoredForm = Pick<NewEvent, 'id' | 'type'> & {
  readonly data: Uint8Array;
  readonly metadata: JsonObject | Uint8Array;
  readonly isJson?: boolean;
};

/** What hides events of a stream; stored beside the log, as `$$<stream>`. */
interface Metadata {
  readonly event: RecordedEvent;
  readonly maxCount: number;
  readonly truncateBefore: bigint;
}

/**
 * For properties that need hundreds of fresh event stores a second. It passes the contract of the
 * event store, as far as a store without a server and a disk can.
 */
export const inMemoryEventStore = (now: () => number = () => 0) => {
  const log: RecordedEvent[] = [];
  const streams = new Map<string, RecordedEvent[]>();
  const metadata = new Map<string, Metadata>();
  const tombstones = new Set<string>();
  const waiting = new Set<() => void>();
  let closed = false;

  const wake = () => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const assertOpen = () => {
    if (closed) throw new UnavailableError('The event store is closed.');
  };
  const assertUsable = (stream: string) => {
    assertOpen();
    if (tombstones.has(stream)) throw new StreamDeletedError(stream);
  };
  const eventsOf = (stream: string): readonly RecordedEvent[] => {
    const set = stream.startsWith('$$') ? metadata.get(stream.slice(2)) : undefined;
    return set === undefined ? (streams.get(stream) ?? []) : [set.event];
  };
  const lastRevision = (stream: string) => eventsOf(stream).at(-1)?.revision ?? -1n;
  const readable = (stream: string) => {
    const { maxCount = Infinity, truncateBefore = 0n } = metadata.get(stream) ?? {};
    const visible = eventsOf(stream).filter(({ revision }) => revision >= truncateBefore);
    return visible.slice(Math.max(0, visible.length - maxCount));
  };
  const head = (stream: string): ExpectedRevision =>
    readable(stream).at(-1)?.revision ?? 'no_stream';

  const recorded = (stream: string, revision: bigint, event: StoredForm): RecordedEvent => {
    const position = BigInt(log.length + 1) * 100n;
    return {
      stream,
      revision,
      id: event.id,
      type: event.type,
      data: event.data,
      metadata: event.metadata instanceof Uint8Array ? event.metadata : bytes(event.metadata),
      isJson: event.isJson ?? true,
      position: { commit: position, prepare: position },
      recordedAt: now(),
    };
  };

  const keep = (event: RecordedEvent): void => {
    log.push(event);
    const events = streams.get(event.stream);
    if (events === undefined) streams.set(event.stream, [event]);
    else events.push(event);
  };

  /** Whatever a client may have stored. */
  const record = (stream: string, event: StoredForm) => {
    const stored = recorded(stream, lastRevision(stream) + 1n, event);
    keep(stored);
    wake();
    return { revision: stored.revision, position: stored.position };
  };

  const setMetadata = (stream: string, set: Pick<Metadata, 'maxCount' | 'truncateBefore'>) => {
    const settings: JsonObject = Number.isFinite(set.maxCount) ? { $maxCount: set.maxCount } : {};
    const event = { id: randomUUID(), type: '$metadata', data: bytes(settings), metadata: {} };
    metadata.set(stream, { ...set, event: recorded(`$$${stream}`, 0n, event) });
  };

  const append = (
    stream: string,
    expected: ExpectedRevision,
    events: readonly (NewEvent | EncodedEvent)[],
  ) => {
    assertUsable(stream);
    if (events.length === 0) throw new TypeError('An append needs at least one event.');
    const encoded = events.map((event) =>
      isEncoded(event) ? event : { ...event, data: bytes(event.data) },
    );
    if (encoded.reduce((sum, { data }) => sum + data.length, 0) > MAX_APPEND_BYTES) {
      throw new TooLargeError('The append is too large.');
    }
    const first = expected === 'no_stream' ? 0n : expected + 1n;
    const there = eventsOf(stream).filter(({ revision }) => revision >= first);
    const last = there[events.length - 1];
    if (last && events.every(({ id }, index) => there[index]?.id === id)) {
      return { revision: last.revision, position: last.position };
    }
    if (head(stream) !== expected) {
      throw new WrongExpectedRevisionError(stream, expected, head(stream));
    }
    const results = encoded.map((event) => record(stream, event));
    return results.at(-1) ?? Promise.reject(new Error('Nothing was recorded.'));
  };

  const tombstone = async (stream: string): Promise<void> => {
    await Promise.resolve();
    tombstones.add(stream);
  };

  const store: EventStore & StreamDeletion = {
    append: async (stream, expected, events) => {
      await Promise.resolve();
      return append(stream, expected, events);
    },
    async *read(stream, { from, direction = 'forwards', limit = Infinity } = {}) {
      await Promise.resolve();
      assertUsable(stream);
      // A server takes unsigned numbers only.
      if (from !== undefined && from < 0n) throw new RangeError(`There is no revision ${from}.`);
      const events = [...readable(stream)];
      if (direction === 'backwards') events.reverse();
      const wanted = events.filter(({ revision }) =>
        direction === 'forwards' ? revision >= (from ?? 0n) : revision <= (from ?? revision),
      );
      yield* wanted.slice(0, limit);
    },
    head: async (stream) => {
      await Promise.resolve();
      assertUsable(stream);
      return head(stream);
    },
    readAll: async ({ after, direction, limit }) => {
      await Promise.resolve();
      assertOpen();
      const place = after?.commit;
      return direction === 'forwards'
        ? log.filter(({ position }) => position.commit > (place ?? 0n)).slice(0, limit)
        : log
            .filter(({ position }) => place === undefined || position.commit < place)
            .toReversed()
            .slice(0, limit);
    },
    async *subscribeToAll({ after, streamPrefix = '', signal }): AsyncGenerator<SubscriptionItem> {
      assertOpen();
      let index = log.findIndex(
        ({ position }) => after === 'start' || position.commit > after.commit,
      );
      if (index < 0) index = log.length;
      let caughtUp = false;
      while (!signal.aborted && !closed) {
        const event = log[index];
        if (event !== undefined) {
          index += 1;
          if (event.stream.startsWith(streamPrefix)) yield { kind: 'event', event };
          else yield { kind: 'checkpoint', position: event.position };
        } else if (!caughtUp) {
          caughtUp = true;
          yield { kind: 'caught-up' };
        } else {
          await new Promise<void>((resolve) => {
            waiting.add(resolve);
            signal.addEventListener('abort', wake, { once: true });
          });
          signal.removeEventListener('abort', wake);
        }
      }
    },
    setMaxCount: async (stream, maxCount) => {
      await Promise.resolve();
      assertUsable(stream);
      const { truncateBefore = 0n } = metadata.get(stream) ?? {};
      setMetadata(stream, { maxCount, truncateBefore });
    },
    deleteStream: async (stream) => {
      await Promise.resolve();
      setMetadata(stream, { maxCount: Infinity, truncateBefore: lastRevision(stream) + 1n });
    },
    tombstone,
    tombstoneStream: tombstone,
    ping: () => Promise.resolve().then(assertOpen),
    pingAll: () => Promise.resolve().then(assertOpen),
    close: () => {
      closed = true;
      wake();
      return Promise.resolve();
    },
  };

  /** As a log is after an older copy of it was restored. */
  const keepFirst = (events: number): void => {
    streams.clear();
    for (const event of log.splice(0).slice(0, events)) keep(event);
  };

  return { ...store, log, record, keepFirst };
};

export type InMemoryEventStore = ReturnType<typeof inMemoryEventStore>;
