import type { GraphQLError } from 'graphql';
import { collect } from '../../platform/async/pages.js';
import { PortError, StreamDeletedError } from '../../ports/errors.js';
import type {
  EventStore,
  Position,
  ReadAllOptions,
  RecordedEvent,
} from '../../ports/event-store.js';
import { pageSizeOf } from './arguments.js';
import type { QueryContext } from './context.js';
import {
  badUserInput,
  eventsNotAvailable,
  eventStoreUnavailable,
  unauthenticated,
} from './errors.js';
import { isShownEvent, isShownStream, toRecordedEvent } from './recorded-events.js';

/** What the event queries need of the event store. */
export type EventReads = Pick<EventStore, 'read' | 'head' | 'readAll' | 'subscribeToAll'>;

/** Why events are not shown: by the setting EVENT_QUERIES, or because this process has no event store. */
export type EventsAccess = EventReads | 'off' | 'no-event-store';

interface Paged {
  readonly after?: string | null;
  readonly limit: number | null;
  readonly direction: 'FORWARDS' | 'BACKWARDS' | null;
}

interface OfStream extends Paged {
  readonly name: string;
  readonly from?: string | null;
}

interface OfLog extends Paged {
  readonly types?: readonly string[] | null;
}

/** Throws UNAUTHENTICATED without a reader's key, and EVENTS_NOT_AVAILABLE where events are not shown. */
export const requireEvents = (access: EventsAccess, { isReader }: QueryContext): EventReads => {
  if (!isReader) throw unauthenticated();
  if (typeof access === 'string') throw eventsNotAvailable(NOT_AVAILABLE[access]);
  return access;
};

/** The queries for stored events, read from the event store itself. */
export const createEventResolvers = (access: EventsAccess) => {
  return {
    stream: async (_: unknown, args: OfStream, context: QueryContext) => {
      const store = requireEvents(access, context);
      const query = streamQueryOf(args);
      return withEventErrors(() => pageOfStream(store, query));
    },

    log: async (_: unknown, args: OfLog, context: QueryContext) => {
      const store = requireEvents(access, context);
      const query = logQueryOf(args);
      return withEventErrors(() => pageOfLog(store, query));
    },
  };
};

const NOT_AVAILABLE: Readonly<Record<Extract<EventsAccess, string>, string>> = {
  off: 'This service does not show events: EVENT_QUERIES=on turns these queries on.',
  'no-event-store':
    'This process has no event store to read: set EVENTSTORE_URL for it, or ask a service of the role all.',
};

/** A bug passes as it is. */
const withEventErrors = async <T>(read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (error) {
    throw error instanceof PortError ? errorOfRead(error) : error;
  }
};

const errorOfRead = (error: PortError): GraphQLError | PortError => {
  switch (error.code) {
    case 'UNAVAILABLE':
      return eventStoreUnavailable();
    case 'ACCESS_DENIED':
      return eventsNotAvailable(error.message);
    case 'NOT_SUPPORTED':
      return badUserInput('after', 'The event store knows no such place in the log.');
    default:
      return error;
  }
};

const readDirectionOf = ({ direction }: Paged): ReadAllOptions['direction'] =>
  direction === 'FORWARDS' ? 'forwards' : 'backwards';

const MAX_NAME_LENGTH = 200;

const streamQueryOf = (args: OfStream) => {
  const { name, from, after } = args;
  const limit = pageSizeOf('limit', args.limit, 20);
  const direction = readDirectionOf(args);
  if (!isShownStream(name) || name.length > MAX_NAME_LENGTH || !name.isWellFormed()) {
    throw badUserInput(
      'name',
      'name must be a stream of this service: anime-, ratings-, snapshot-anime- or bridge-checkpoint- and an id, log-identity or users-forgotten.',
    );
  }
  if (typeof from === 'string' && typeof after === 'string') {
    throw badUserInput('from', 'from and after exclude each other.');
  }
  const follows = typeof after === 'string';
  const step = direction === 'forwards' ? 1n : -1n;
  let first: bigint | undefined;
  if (typeof from === 'string') first = revisionArgument(from);
  if (follows) first = revisionOfCursor(after) + step;
  return { name, first, follows, step, limit, direction };
};

type StreamQuery = ReturnType<typeof streamQueryOf>;

const pageOfStream = async (store: EventReads, query: StreamQuery) => {
  const { name, first, follows, step, limit, direction } = query;
  const read = async (last: RecordedEvent | undefined, count: number) => {
    const from = last === undefined ? first : last.revision + step;
    if (from !== undefined && (from < 0n || from >= 2n ** 63n)) return [];
    const place = from === undefined ? {} : { from };
    return collect(store.read(name, { ...place, direction, limit: count }));
  };
  try {
    const { events, hasMore } = await scan(read, { limit, isWanted: () => true });
    if (events.length === 0 && (await store.head(name)) === 'no_stream') return null;
    const cursorOf = ({ revision }: RecordedEvent) => revisionCursor(revision);
    return toEventConnection(events, { cursorOf, hasMore, follows, end: undefined });
  } catch (error) {
    if (error instanceof StreamDeletedError) return null;
    throw error;
  }
};

const MAX_EVENT_TYPES = 20;

const logQueryOf = (args: OfLog) => {
  const types = args.types ?? [];
  const limit = pageSizeOf('limit', args.limit, 20);
  if (types.length > MAX_EVENT_TYPES) {
    throw badUserInput('types', `types takes at most ${MAX_EVENT_TYPES} types.`);
  }
  const after = typeof args.after === 'string' ? positionOfCursor(args.after) : undefined;
  return { types: new Set(types), limit, after, direction: readDirectionOf(args) };
};

type LogQuery = ReturnType<typeof logQueryOf>;

const pageOfLog = async (store: EventReads, { types, limit, after, direction }: LogQuery) => {
  const read = (last: RecordedEvent | undefined, count: number) => {
    return store.readAll({ after: last?.position ?? after, direction, limit: count });
  };
  const isWanted = (event: RecordedEvent) =>
    isShownEvent(event) && (types.size === 0 || types.has(event.type));
  const { events, hasMore, last } = await scan(read, { limit, isWanted });
  const end: Position | undefined = last?.position ?? after;
  return toEventConnection(events, {
    cursorOf: ({ position }) => positionCursor(position),
    hasMore,
    follows: after !== undefined,
    end: end && positionCursor(end),
  });
};

/** Events read at once: few enough to hold in memory, whatever their size. */
const EVENTS_PER_READ = 32;
const MAX_SCANNED = 1000;
const MAX_PAGE_BYTES = 1024 * 1024;

interface Scanned {
  readonly events: readonly RecordedEvent[];
  /** The last event that was looked at, wanted or not. */
  readonly last: RecordedEvent | undefined;
  readonly hasMore: boolean;
}

/** Reads on until the page is full, has its size, or has cost enough. */
const scan = async (
  read: (last: RecordedEvent | undefined, count: number) => Promise<readonly RecordedEvent[]>,
  { limit, isWanted }: { limit: number; isWanted: (event: RecordedEvent) => boolean },
): Promise<Scanned> => {
  const events: RecordedEvent[] = [];
  let last: RecordedEvent | undefined;
  let bytes = 0;
  for (let scanned = 0; scanned < MAX_SCANNED;) {
    const found = await read(last, EVENTS_PER_READ);
    for (const [index, event] of found.entries()) {
      last = event;
      if (!isWanted(event)) continue;
      events.push(event);
      bytes += event.data.length + event.metadata.length;
      if (events.length === limit || bytes >= MAX_PAGE_BYTES) {
        const atEnd = index === found.length - 1 && found.length < EVENTS_PER_READ;
        return { events, last, hasMore: !atEnd };
      }
    }
    if (found.length < EVENTS_PER_READ) return { events, last, hasMore: false };
    scanned += found.length;
  }
  return { events, last, hasMore: true };
};

interface EventPageParts {
  readonly cursorOf: (event: RecordedEvent) => string;
  readonly hasMore: boolean;
  /** Whether it was requested with `after`. */
  readonly follows: boolean;
  /** Where the next page goes on, if not after the last edge. */
  readonly end: string | undefined;
}

const toEventConnection = (
  events: readonly RecordedEvent[],
  { cursorOf, hasMore, follows, end }: EventPageParts,
) => {
  const edges = events.map((event) => ({ node: toRecordedEvent(event), cursor: cursorOf(event) }));
  return {
    edges,
    pageInfo: {
      hasNextPage: hasMore,
      hasPreviousPage: follows,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: end ?? edges.at(-1)?.cursor ?? null,
    },
  };
};

/** Opaque to clients. A cursor of a stream is a revision, one of the log a position. */
const encodeText = (text: string): string => Buffer.from(text).toString('base64url');

const decodeText = (cursor: string, pattern: RegExp): readonly [bigint, bigint] => {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, first, second = '0'] = pattern.exec(text) ?? [];
  if (first === undefined || encodeText(text) !== cursor || !isInt64(first) || !isInt64(second)) {
    throw badUserInput('after', 'after must be a cursor of an earlier page of the same query.');
  }
  return [BigInt(first), BigInt(second)];
};

/** Larger values are neither revisions nor positions. */
const isInt64 = (digits: string): boolean => BigInt(digits) < 2n ** 63n;

const REVISION_CURSOR = /^stream:(\d{1,19})$/;
const POSITION_CURSOR = /^log:(\d{1,19})\/(\d{1,19})$/;
const REVISION = /^(?:0|[1-9]\d{0,18})$/;

const revisionCursor = (revision: bigint): string => encodeText(`stream:${revision}`);

const positionCursor = ({ commit, prepare }: Position): string =>
  encodeText(`log:${commit}/${prepare}`);

const revisionOfCursor = (cursor: string): bigint => decodeText(cursor, REVISION_CURSOR)[0];

const positionOfCursor = (cursor: string): Position => {
  const [commit, prepare] = decodeText(cursor, POSITION_CURSOR);
  return { commit, prepare };
};

/** The argument `from`: a revision as a decimal string. */
const revisionArgument = (given: string): bigint => {
  if (REVISION.test(given) && isInt64(given)) return BigInt(given);
  throw badUserInput('from', 'from must be a revision as a decimal string.');
};
