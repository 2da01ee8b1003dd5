import {
  StreamDeletedError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../src/ports/errors.js';
import type {
  SubscriptionItem,
  EventStore,
  ExpectedRevision,
  NewEvent,
  RecordedEvent,
} from '../../src/ports/event-store.js';

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Enough of an event store for properties that need hundreds of fresh ones a second. */
export const inMemoryEventStore = ({ now = () => 0 } = {}) => {
  const log: RecordedEvent[] = [];
  const heads = new Map<string, bigint>();
  const cutOff = new Map<string, bigint>();
  const tombstones = new Set<string>();
  const waiting = new Set<() => void>();
  let closed = false;

  const refuseWhenClosed = () => {
    if (closed) throw new UnavailableError('The event store is closed.');
  };
  const wake = () => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const streamOf = (stream: string) => log.filter((event) => event.stream === stream);
  const readable = (stream: string) =>
    streamOf(stream).filter(({ revision }) => revision >= (cutOff.get(stream) ?? 0n));
  /** Of a stream whose beginning was cut off there are metadata, as on any event store. */
  const head = (stream: string): ExpectedRevision =>
    stream.startsWith('$$') && cutOff.has(stream.slice(2))
      ? 0n
      : readable(stream).length === 0
        ? 'no_stream'
        : (heads.get(stream) ?? 'no_stream');

  /** Whatever a client may have stored. */
  const record = (stream: string, event: Omit<NewEvent, 'data'> & { data: Uint8Array }) => {
    const revision = (heads.get(stream) ?? -1n) + 1n;
    heads.set(stream, revision);
    const position = BigInt(log.length + 1) * 100n;
    log.push({
      stream,
      revision,
      id: event.id,
      type: event.type,
      data: event.data,
      metadata: bytes(event.metadata),
      isJson: true,
      position: { commit: position, prepare: position },
      recordedAt: now(),
    });
    wake();
    return { revision, position: { commit: position, prepare: position } };
  };

  const store: EventStore = {
    append(stream, expected, events) {
      return Promise.resolve().then(() => {
        refuseWhenClosed();
        if (tombstones.has(stream)) throw new StreamDeletedError(stream);
        const first = expected === 'no_stream' ? 0n : expected + 1n;
        const there = streamOf(stream).filter(({ revision }) => revision >= first);
        const last = there[events.length - 1];
        if (last && events.every(({ id }, index) => there[index]?.id === id)) {
          return { revision: last.revision, position: last.position };
        }
        if (head(stream) !== expected) {
          throw new WrongExpectedRevisionError(stream, expected, head(stream));
        }
        const results = events.map((event) =>
          record(stream, { ...event, data: bytes(event.data) }),
        );
        const result = results.at(-1);
        if (result === undefined) throw new TypeError('An append needs events.');
        return result;
      });
    },
    async *read(stream, { from, direction = 'forwards', limit = Infinity } = {}) {
      await Promise.resolve();
      refuseWhenClosed();
      if (tombstones.has(stream)) throw new StreamDeletedError(stream);
      const events = readable(stream);
      if (direction === 'backwards') events.reverse();
      const wanted = events.filter(({ revision }) =>
        direction === 'forwards' ? revision >= (from ?? 0n) : revision <= (from ?? revision),
      );
      yield* wanted.slice(0, limit);
    },
    head: (stream) =>
      Promise.resolve().then(() => {
        refuseWhenClosed();
        return head(stream);
      }),
    async *subscribeToAll({ after, streamPrefix = '', signal }): AsyncGenerator<SubscriptionItem> {
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
    setMaxCount: (stream, maxCount) => {
      cutOff.set(stream, (heads.get(stream) ?? -1n) - BigInt(maxCount) + 1n);
      return Promise.resolve();
    },
    deleteStream: (stream) => {
      cutOff.set(stream, (heads.get(stream) ?? -1n) + 1n);
      return Promise.resolve();
    },
    tombstoneStream: (stream) => {
      tombstones.add(stream);
      return Promise.resolve();
    },
    ping: () => Promise.resolve().then(refuseWhenClosed),
    pingAll: () => Promise.resolve().then(refuseWhenClosed),
    close: () => {
      closed = true;
      wake();
      return Promise.resolve();
    },
  };
  /** As a log is after an older copy of it was restored. */
  const keepFirst = (events: number): void => {
    log.length = events;
    heads.clear();
    for (const { stream, revision } of log) heads.set(stream, revision);
  };

  return { ...store, log, record, keepFirst };
};

export type InMemoryEventStore = ReturnType<typeof inMemoryEventStore>;
