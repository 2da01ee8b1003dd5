import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type AppendOutcome,
  type EventLog,
  EventLogError,
  type LogRecord,
  type RawEvent,
  type LogSubscriptionItem,
  TOMBSTONE_REVISION,
} from '../../embedded-eventstore/log/event-log.js';
import { itemsOf } from '../../embedded-eventstore/log/item-pages.js';
import { METADATA_TYPE, metastreamOf } from '../../embedded-eventstore/log/stream-metadata.js';
import { within } from '../../platform/async/abort.js';
import { type Backoff, backoffMs, pause } from '../../platform/async/retry.js';
import {
  isRetriable,
  OutcomeUnknownError,
  PortError,
  StreamDeletedError,
  TooLargeError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../ports/errors.js';
import {
  type AppendResult,
  type EncodedEvent,
  type SubscriptionItem,
  type EventStore,
  type ExpectedRevision,
  isEncoded,
  type NewEvent,
  type ReadAllOptions,
  type ReadOptions,
  type RecordedEvent,
  type SubscriptionOptions,
} from '../../ports/event-store.js';
import { sqliteFailureOf } from './read-store/file.js';

export interface EmbeddedEventStoreOptions {
  /** The outcome of an append counts as unknown after this time. */
  readonly appendTimeoutMs?: number;
}

/** The event store port over the engine in the same process. Closing it closes the log. */
export const createEmbeddedEventStore = (
  log: EventLog,
  { appendTimeoutMs = 10_000 }: EmbeddedEventStoreOptions = {},
): EventStore => {
  const settled = (
    stream: string,
    append: Promise<AppendOutcome>,
    timeoutMs = appendTimeoutMs,
  ): Promise<AppendOutcome> =>
    within(timeoutMs, append, () => appendTimedOut(stream, timeoutMs)).catch((error: unknown) => {
      throw toPortError(error);
    });

  return {
    append: async (stream, expected, events, { timeoutMs } = {}) => {
      if (events.length === 0) throw new TypeError('An append needs at least one event.');
      const append = log.append(stream, expected, events.map(toRaw));
      return resultOf(stream, expected, await settled(stream, append, timeoutMs));
    },
    read: (stream, options = {}) => readPages(log, stream, options),
    head: (stream) =>
      asPromise(() => {
        const head = log.head(stream);
        if (head === TOMBSTONE_REVISION) throw new StreamDeletedError(stream);
        return head;
      }),
    readAll: (options) => readAllOf(log, options),
    subscribeToAll: (options) => subscribe(log, options),
    setMaxCount: async (stream, maxCount) => {
      const append = log.append(metastreamOf(stream), 'any', [maxCountEvent(maxCount)]);
      if ((await settled(stream, append)).kind === 'deleted') throw new StreamDeletedError(stream);
    },
    tombstone: async (stream) => {
      await settled(stream, log.tombstone(stream, 'any'));
    },
    ping: () =>
      log.check().catch((error: unknown) => {
        throw toPortError(error);
      }),
    pingAll: () => asPromise(() => void log.lastPosition()),
    close: () => log.close(),
  };
};

const READ_PAGE = 500;

const appendTimedOut = (stream: string, timeoutMs: number): OutcomeUnknownError =>
  new OutcomeUnknownError(`The append was not settled within ${timeoutMs} ms.`, {
    context: { stream, timeoutMs },
  });

const asPromise = async <T>(ask: () => T): Promise<T> => Promise.resolve(withPortErrors(ask));

const withPortErrors = <T>(ask: () => T): T => {
  try {
    return ask();
  } catch (error) {
    throw toPortError(error);
  }
};

async function* readPages(
  log: EventLog,
  stream: string,
  { from, direction = 'forwards', limit = Infinity, signal }: ReadOptions,
): AsyncGenerator<RecordedEvent, void, undefined> {
  const step = direction === 'forwards' ? 1n : -1n;
  let next: bigint | 'start' | 'end' = from ?? (direction === 'forwards' ? 'start' : 'end');
  for (let remaining = limit; remaining > 0;) {
    signal?.throwIfAborted();
    const asked = Math.min(remaining, READ_PAGE);
    const page = withPortErrors(() => log.readStream(stream, next, direction, asked));
    if (page.kind === 'deleted') throw new StreamDeletedError(stream);
    if (page.kind === 'missing') return;
    for (const event of page.events) yield toRecorded(event);
    const last = page.events.at(-1);
    if (last === undefined || page.endReached) return;
    remaining -= page.events.length;
    next = last.revision + step;
    await nextTurn();
  }
}

/** Reads page by page, because a page of large events is shorter than asked. */
const readAllOf = async (
  log: EventLog,
  { after, direction, limit }: ReadAllOptions,
): Promise<readonly RecordedEvent[]> => {
  const events: RecordedEvent[] = [];
  // The log reads inclusively forwards and exclusively backwards.
  const following = (position: bigint) => (direction === 'forwards' ? position + 1n : position);
  let next: bigint | 'start' | 'end' = direction === 'forwards' ? 'start' : 'end';
  if (after !== undefined) next = following(after.commit);
  while (events.length < limit) {
    const asked = Math.min(limit - events.length, READ_PAGE);
    const place = next;
    const page = await asPromise(() => log.readAll(place, direction, asked));
    const last = page.at(-1);
    if (last === undefined) break;
    for (const event of page) events.push(toRecorded(event));
    next = following(last.position);
    await nextTurn();
  }
  return events;
};

const RESUME_BACKOFF: Backoff = { baseMs: 100, maxMs: 5_000 };

const subscribe = (log: EventLog, options: SubscriptionOptions): AsyncIterable<SubscriptionItem> =>
  itemsOf(subscribeInPages(log, options), () => options.signal.aborted);

/** Ends when the signal aborts or the log closes. Resumes after a retriable failure and throws others. */
async function* subscribeInPages(
  log: EventLog,
  { after, streamPrefix, signal, onDrop = () => undefined }: SubscriptionOptions,
): AsyncGenerator<readonly SubscriptionItem[], void, undefined> {
  const filtered: Pick<Parameters<EventLog['subscribeAll']>[0], 'filter'> =
    streamPrefix === undefined ? {} : { filter: { on: 'stream', prefixes: [streamPrefix] } };
  let resumeAfter = after === 'start' ? after : after.commit;
  for (let drops = 0; !signal.aborted;) {
    try {
      const subscription = { after: resumeAfter, ...filtered, signal };
      for await (const page of log.subscribeAllInPages(subscription)) {
        const items: SubscriptionItem[] = [];
        for (const logItem of page) {
          const item = toSubscriptionItem(logItem);
          if (item === undefined) continue;
          items.push(item);
          if (item.kind === 'event') resumeAfter = item.event.position.commit;
          if (item.kind === 'checkpoint') resumeAfter = item.position.commit;
        }
        if (items.length > 0) drops = 0;
        yield items;
      }
      return;
    } catch (error) {
      const isClosed = error instanceof EventLogError && error.code === 'closed';
      const failure = toPortError(error);
      if (isClosed || !isRetriable(failure)) throw failure;
    }
    onDrop('unavailable');
    await pause(backoffMs(drops, RESUME_BACKOFF), signal);
    drops += 1;
  }
}

const toRaw = (event: NewEvent | EncodedEvent): RawEvent => {
  if (isEncoded(event)) return event;
  const { id, type, data, metadata } = event;
  return {
    id,
    type,
    data: Buffer.from(JSON.stringify(data)),
    metadata: Buffer.from(JSON.stringify(metadata)),
    isJson: true,
  };
};

const maxCountEvent = (maxCount: number): RawEvent =>
  toRaw({
    id: randomUUID(),
    type: METADATA_TYPE,
    data: { $maxCount: maxCount },
    metadata: {},
  });

const toRecorded = (record: LogRecord): RecordedEvent => {
  const { stream, revision, id, type, data, metadata, isJson, position, created } = record;
  return {
    stream,
    revision,
    id,
    type,
    data,
    metadata,
    isJson,
    position: { commit: position, prepare: position },
    recordedAt: created,
  };
};

/** Undefined for items that a subscription to all never delivers. */
const toSubscriptionItem = (item: LogSubscriptionItem): SubscriptionItem | undefined => {
  switch (item.kind) {
    case 'event':
      return { kind: 'event', event: toRecorded(item.event) };
    case 'checkpoint':
      return {
        kind: 'checkpoint',
        position: { commit: item.position, prepare: item.position },
      };
    case 'caught-up':
      return item;
    case 'deleted':
      return undefined;
  }
};

const resultOf = (
  stream: string,
  expected: ExpectedRevision,
  outcome: AppendOutcome,
): AppendResult => {
  switch (outcome.kind) {
    case 'written':
      return {
        revision: outcome.revision,
        position: { commit: outcome.position, prepare: outcome.position },
      };
    case 'wrong-revision':
      throw new WrongExpectedRevisionError(stream, expected, outcome.actual);
    case 'deleted':
      throw new StreamDeletedError(stream);
    case 'too-large':
      throw new TooLargeError(`An append must not exceed ${outcome.limit} bytes.`, {
        context: { stream, limit: outcome.limit },
      });
  }
};

/** Only errors of the log and of its file are translated; anything else is a bug and stays as it is. */
const toPortError = (error: unknown): unknown => {
  if (!(error instanceof EventLogError)) return fileFailureOf(error);
  const options = { cause: error, context: { reason: error.code } };
  switch (error.code) {
    case 'unknown':
      return new OutcomeUnknownError(error.message, options);
    case 'corrupt':
      return new PortError('CORRUPT', error.message, false, options);
    default:
      return new UnavailableError(error.message, options);
  }
};

const fileFailureOf = (error: unknown): unknown =>
  !(error instanceof PortError) && sqliteFailureOf(error).kind === 'not-now'
    ? new UnavailableError('The event log cannot be read for now.', { cause: error })
    : error;
