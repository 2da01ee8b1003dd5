import { setMaxListeners } from 'node:events';
import { linkedSignal, settledWithin, within } from '../../platform/async/abort.js';
import type { Backoff } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import { OutcomeUnknownError, StreamDeletedError, UnavailableError } from '../../ports/errors.js';
import type {
  AppendResult,
  EncodedEvent,
  EventStore,
  ExpectedRevision,
  NewEvent,
  Position,
  ReadAllOptions,
  ReadOptions,
  RecordedEvent,
} from '../../ports/event-store.js';
import type { WithProjections } from '../../ports/projections.js';
import { encodeEvent } from './append-messages.js';
import { createAppends, createSetMaxCount } from './appends.js';
import { createOutages, EventStoreConnection, type Outages, parseAddress } from './connection.js';
import { ALL_STREAMS, readError, writeError } from './errors.js';
import { createProjections, deploymentsIn } from './projections.js';
import { readAllRequest, readStreamRequest, responsesOfLeader } from './messages.js';
import { createSubscriptions } from './subscriptions.js';

interface ReadsOptions {
  readonly connection: EventStoreConnection;
  /** A read fails after this time without data: the client sets no deadline. */
  readonly silenceMs: number;
  readonly outages: Outages;
  /** Aborted when the store is closed. */
  readonly closing: AbortSignal;
}

/**
 * Reads from the leader only: settled appends must be visible, and a follower may lag. Calls are
 * read to their end: cancelling one costs an error with a stack here and a reset on the connection,
 * and some servers close the connection after a thousand resets.
 */
const createReads = ({ connection, silenceMs, outages, closing }: ReadsOptions) => {
  async function* read(
    stream: string,
    options: ReadOptions = {},
  ): AsyncGenerator<RecordedEvent, void, undefined> {
    if (options.limit === 0) return;
    const { signal, unlink } = linkedSignal(closing, options.signal);
    const open = () => connection.read(readStreamRequest(stream, options), { leaderOnly: true });
    let count = 0;
    let last: RecordedEvent | undefined;
    try {
      for await (const response of responsesOfLeader(open, { silenceMs, signal })) {
        outages.answered('read');
        const { event } = response;
        if (event === undefined) continue;
        count += 1;
        // Yielded after the call has ended, because many consumers want only this event.
        if (count === options.limit) last = event;
        else yield event;
      }
      if (last !== undefined) yield last;
    } catch (error) {
      const failure = readError(error, stream);
      outages.failed('read', failure);
      throw failure;
    } finally {
      unlink();
    }
    // An end caused by the caller is not the end of the stream.
    options.signal?.throwIfAborted();
    if (closing.aborted) throw new UnavailableError('The event store was closed.');
  }

  const head = async (stream: string): Promise<ExpectedRevision> => {
    for await (const last of read(stream, { direction: 'backwards', limit: 1 })) {
      if (last.type === '$streamDeleted') throw new StreamDeletedError(stream);
      return last.revision;
    }
    return 'no_stream';
  };

  const allEvents = async (
    options: ReadAllOptions,
    { leaderOnly }: { readonly leaderOnly: boolean },
  ): Promise<RecordedEvent[]> => {
    const open = () => connection.read(readAllRequest(options), { leaderOnly });
    const events: RecordedEvent[] = [];
    try {
      for await (const response of responsesOfLeader(open, { silenceMs, signal: closing })) {
        const { event } = response;
        if (event !== undefined) events.push(event);
      }
    } catch (error) {
      throw readError(error, ALL_STREAMS);
    }
    if (closing.aborted) throw new UnavailableError('The event store was closed.');
    return events;
  };

  const readAll = async (options: ReadAllOptions): Promise<readonly RecordedEvent[]> => {
    const { after, direction, limit } = options;
    if (limit === 0) return [];
    if (after === undefined || direction === 'backwards') {
      return allEvents(options, { leaderOnly: true });
    }
    // The server begins with the event at this position, unless it was scavenged.
    const from = await allEvents({ ...options, limit: limit + 1 }, { leaderOnly: true });
    return from.filter(({ position }) => !isSamePosition(position, after)).slice(0, limit);
  };

  /** Rejects if this user may not read `$all`. */
  const readEnd = async (): Promise<void> => {
    await allEvents({ direction: 'backwards', limit: 1 }, { leaderOnly: false });
  };

  return { read, readAll, head, readEnd };
};

const isSamePosition = (a: Position, b: Position): boolean =>
  a.commit === b.commit && a.prepare === b.prepare;

export interface EventStoreDbOptions {
  /**
   * `esdb://` or `esdb+discover://`, with credentials and TLS in the syntax of EventStoreDB's
   * clients.
   */
  readonly connectionString: string;
  readonly logger: Logger;
  /** The outcome of an append is unknown after this time. */
  readonly appendTimeoutMs?: number;
  /** A read without a response within this time has failed. */
  readonly readTimeoutMs?: number;
  /** A projection call without a response within this time has failed. */
  readonly projectionTimeoutMs?: number;
  /** Without an event or a checkpoint for this long, a subscription is reopened. */
  readonly subscriptionSilenceMs?: number;
  readonly subscriptionBackoff?: Backoff;
  /** How long `close` waits for pending appends. */
  readonly drainTimeoutMs?: number;
}

/**
 * The event store port over EventStoreDB 23.10 and newer, and KurrentDB. Needs no server at start:
 * calls are unavailable and subscriptions wait until there is one. On a secure server the user of
 * the connection string must be allowed to read `$all`.
 */
export const createEventStoreDbStore = ({
  connectionString,
  logger,
  appendTimeoutMs = 5_000,
  readTimeoutMs = 10_000,
  projectionTimeoutMs = 10_000,
  subscriptionSilenceMs = 15_000,
  subscriptionBackoff = { baseMs: 200, maxMs: 5_000 },
  drainTimeoutMs = 5_000,
}: EventStoreDbOptions): EventStore & WithProjections => {
  const address = parseAddress(connectionString);
  const connection = new EventStoreConnection(address.options);
  const closing = new AbortController();
  // Every pending read listens to it, without a limit on their number.
  setMaxListeners(0, closing.signal);
  const underWay = new Set<Promise<unknown>>();
  let closed: Promise<void> | undefined;

  const appendEvents = createAppends(connection);
  const shownLogger = logger.child({ eventStore: address.shown });
  const outages = createOutages(shownLogger);
  const reads = createReads({
    connection,
    outages,
    silenceMs: readTimeoutMs,
    closing: closing.signal,
  });
  const subscribeToAll = createSubscriptions({
    connection,
    logger: shownLogger,
    silenceMs: subscriptionSilenceMs,
    backoff: subscriptionBackoff,
    closing: closing.signal,
    outages,
  });
  const setMaxCount = createSetMaxCount({
    append: appendEvents,
    read: reads.read,
    timeoutMs: appendTimeoutMs,
  });

  const assertOpen = () => {
    if (closed !== undefined) throw new UnavailableError('The event store was closed.');
  };

  /** Runs a write that `close` waits for. */
  const write = async <T>(begin: () => Promise<T>): Promise<T> => {
    assertOpen();
    const writing = begin();
    underWay.add(writing);
    try {
      return await writing;
    } finally {
      underWay.delete(writing);
    }
  };

  const append = async (
    stream: string,
    expected: ExpectedRevision,
    events: readonly (NewEvent | EncodedEvent)[],
    timeoutMs: number,
  ): Promise<AppendResult> => {
    const request = { stream, expected, events: events.map(encodeEvent) };
    const appending = appendEvents(request, timeoutMs);
    appending.then(
      () => outages.answered('append'),
      (error: unknown) => outages.failed('append', error),
    );
    const { revision, position } = await appending;
    return { revision, position: position ?? (await positionOf(stream, revision)) };
  };

  /** For the rare response to a repeat that omits it. */
  const positionOf = async (stream: string, revision: bigint) => {
    for await (const { position } of reads.read(stream, { from: revision, limit: 1 })) {
      return position;
    }
    throw new UnavailableError('The event was appended, but cannot be read.', {
      context: { stream, revision },
    });
  };

  const tombstone = async (stream: string): Promise<void> => {
    const call = connection.tombstoneStream(stream, { deadline: appendTimeoutMs });
    const late = () => new OutcomeUnknownError('The event store did not respond in time.');
    await within(appendTimeoutMs, call, late).catch((error: unknown) => {
      const failure = writeError(error, stream);
      if (!(failure instanceof StreamDeletedError)) throw failure;
    });
  };

  const drain = async () => {
    await settledWithin(Promise.allSettled(underWay), drainTimeoutMs);
    closing.abort();
    await connection.close();
  };

  const store: EventStore = {
    append: async (stream, expected, events, { timeoutMs = appendTimeoutMs } = {}) => {
      if (events.length === 0) throw new TypeError('An append needs at least one event.');
      return write(() => append(stream, expected, events, timeoutMs));
    },
    async *read(stream, options) {
      assertOpen();
      yield* reads.read(stream, options);
    },
    head: async (stream) => {
      assertOpen();
      return reads.head(stream);
    },
    readAll: async (options) => {
      assertOpen();
      return reads.readAll(options);
    },
    async *subscribeToAll(options) {
      assertOpen();
      yield* subscribeToAll(options);
    },
    serverVersion: async () => {
      assertOpen();
      return await within(
        readTimeoutMs,
        connection.serverVersion(),
        () => new UnavailableError('The event store did not tell its version in time.'),
      ).catch((error: unknown) => {
        throw readError(error, ALL_STREAMS);
      });
    },
    setMaxCount: (stream, maxCount) => write(() => setMaxCount(stream, maxCount)),
    tombstone: (stream) => write(() => tombstone(stream)),
    ping: async () => {
      assertOpen();
      await reads.head('anime-analytics-ping');
    },
    pingAll: async () => {
      assertOpen();
      await reads.readEnd();
    },
    close: () => (closed ??= drain()),
  };
  const deployments = deploymentsIn(store);
  const projections = createProjections({
    connection,
    deployments,
    assertOpen,
    timeoutMs: projectionTimeoutMs,
  });
  return { ...store, projections };
};
