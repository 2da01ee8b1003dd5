import {
  classifyAppend,
  type StoredEvent,
  type StreamState,
  type StreamView,
  type AppendClass,
} from './append-rules.js';
import type { Drafts } from './drafts.js';
import {
  type AppendOutcome,
  type EventLog,
  EventLogError,
  type Expected,
  type RawEvent,
  TOMBSTONE_REVISION,
} from './event-log.js';
import type { GroupCommit, RecentIds } from './group-commit.js';
import type { StreamHeads } from './heads.js';
import { isReserved } from './link-streams.js';
import type { LogReader } from './reader.js';
import { isMetastream, originalOf } from './stream-metadata.js';
import { type AppendDraft, type Head, type CommitTicket, createTicket } from './ticket.js';
import { TOMBSTONE } from './writer-protocol.js';

export interface AppendLimits {
  /** One append: its data, metadata and twice its type names. */
  readonly maxAppendBytes: number;
  /** All appends that wait for the disk. */
  readonly maxPendingBytes: number;
  readonly maxPendingAppends: number;
}

interface AppendParts extends ViewParts {
  readonly drafts: Drafts;
  readonly commit: GroupCommit;
  readonly limits: AppendLimits;
  /** Throws where the log takes no appends any more. */
  readonly assertOpen: () => void;
}

interface AppendRequest {
  readonly stream: string;
  readonly expected: Expected;
  readonly ids: readonly string[];
  readonly bytes: number;
  /** The request's own rules, which come before the common ones. */
  readonly refuse?: (head: Head) => AppendClass | undefined;
  /** Undefined where there is nothing to write. */
  readonly draft: ((head: Head) => AppendDraft) | undefined;
}

type Appends = Pick<EventLog, 'append' | 'softDelete' | 'tombstone'>;

export const createLogAppends = (parts: AppendParts): Appends => {
  const { heads, drafts, commit, limits } = parts;

  const join = (head: Head, draft: AppendDraft): Promise<AppendOutcome> => {
    const ticket = createTicket(draft, writtenBy(head, draft));
    commit.join(ticket, draft);
    return ticket.promise;
  };

  /**
   * Classifies and joins synchronously, so that appends join in the order in which they were called.
   * A result that depends on an append in flight waits for it, and is decided again if that fails.
   */
  const decide = (request: AppendRequest): Promise<AppendOutcome> => {
    parts.assertOpen();
    const head = heads.get(request.stream);
    const verdict =
      request.refuse?.(head) ?? classifyAppend(viewOf(parts, head), request.expected, request.ids);
    if (verdict.kind === 'append' && request.draft !== undefined) {
      assertRoom(commit.pending(), request.bytes, limits);
      return join(head, request.draft(head));
    }
    const answer = outcomeFor(verdict, head);
    const inFlight = appendInFlightFor(heads, head, verdict);
    if (inFlight === undefined) return Promise.resolve(answer);
    return inFlight.promise.then(
      () => answer,
      () => decide(request),
    );
  };

  return {
    append: async (stream, expected, events) => {
      checkStream(stream);
      checkEvents(events);
      const bytes = sizeOnDisk(events);
      if (bytes > limits.maxAppendBytes) {
        return { kind: 'too-large', limit: limits.maxAppendBytes };
      }
      const ids = events.map((event) => event.id);
      const draft = events.length === 0 ? undefined : (head: Head) => drafts.append(head, events);
      return decide({ stream, expected, ids, bytes, draft });
    },
    softDelete: async (stream, expected) => {
      checkStream(stream);
      const draft = drafts.softDelete;
      return decide({
        stream,
        expected,
        ids: [FRESH],
        bytes: 0,
        draft,
        refuse: neverExisted,
      });
    },
    tombstone: async (stream, expected) => {
      checkStream(stream);
      return decide({ stream, expected, ids: [FRESH], bytes: 0, draft: drafts.tombstone });
    },
  };
};

/** Stands for an id that no event has. */
const FRESH = '';

/** There must be something to delete softly, even where no stream is expected. */
const neverExisted = (head: Head): AppendClass | undefined => {
  const { last, tombstoned, metadata } = head.ahead;
  const missing = !tombstoned && last < 0 && !metadata.exists;
  return missing ? { kind: 'wrong-revision' } : undefined;
};

const assertRoom = (
  pending: { readonly bytes: number; readonly appends: number },
  bytes: number,
  limits: AppendLimits,
): void => {
  if (
    pending.appends >= limits.maxPendingAppends ||
    pending.bytes + bytes > limits.maxPendingBytes
  ) {
    throw new EventLogError('busy', 'Too many appends are waiting for the disk.');
  }
};

/** The append in flight that the result depends on, if any. */
const appendInFlightFor = (
  heads: StreamHeads,
  head: Head,
  verdict: AppendClass,
): CommitTicket | undefined => {
  if (verdict.kind === 'repeat' && verdict.of.revision <= head.settled.last) return undefined;
  const own = head.inFlight.at(-1);
  if (own !== undefined || !isMetastream(head.name)) return own;
  return heads.get(originalOf(head.name)).inFlight.at(-1);
};

const outcomeFor = (verdict: AppendClass, head: Head): AppendOutcome => {
  const { last, lastPosition } = head.ahead;
  switch (verdict.kind) {
    case 'append':
      return { kind: 'written', revision: BigInt(last), position: BigInt(lastPosition) };
    case 'repeat':
      return {
        kind: 'written',
        revision: BigInt(verdict.of.revision),
        position: BigInt(verdict.of.position),
      };
    case 'wrong-revision':
      return { kind: 'wrong-revision', actual: last < 0 ? 'no_stream' : BigInt(last) };
    case 'deleted':
      return { kind: 'deleted' };
  }
};

/** Where the last event that was asked for went; a `$metadata` event that comes along does not count. */
const writtenBy = (head: Head, { writes }: AppendDraft): AppendOutcome => {
  const last = writes[0]?.records.at(-1);
  return {
    kind: 'written',
    revision: head.ahead.last === TOMBSTONE ? TOMBSTONE_REVISION : BigInt(head.ahead.last),
    position: last?.position ?? 0n,
  };
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** SQLite ends a text at NUL, and folds lone surrogates into one character: both would mix streams up. */
const checkName = (what: string, name: string): void => {
  if (name === '' || name.includes('\0') || !name.isWellFormed()) {
    throw new TypeError(`A ${what} is a well-formed text without NUL, and not empty.`);
  }
};

const checkStream = (stream: string): void => {
  checkName('stream name', stream);
  if (isReserved(stream)) throw new TypeError('Only the log itself makes links in $ce- and $et-.');
};

const checkEvents = (events: readonly RawEvent[]): void => {
  for (const event of events) {
    checkName('event type', event.type);
    if (!UUID.test(event.id)) throw new TypeError('An event id is a UUID.');
  }
};

/** The size that limits an append, counted as EventStoreDB counts it. */
const sizeOnDisk = (events: readonly RawEvent[]): number =>
  events.reduce(
    (sum, { data, metadata, type }) =>
      sum + data.byteLength + metadata.byteLength + 2 * type.length,
    0,
  );

interface ViewParts {
  readonly reader: LogReader;
  readonly heads: StreamHeads;
  readonly recentIds: RecentIds;
}

/** A stream as the append rules see it: the disk and everything that is on its way there. */
const viewOf = ({ reader, heads, recentIds }: ViewParts, head: Head): StreamView => ({
  state: withTombstoneOfOriginal(heads, head),
  recent: (id) => recentIds.find(head.name, id),
  at: (revision) =>
    revision > head.settled.last ? inFlightAt(head, revision) : reader.storedAt(head.id, revision),
});

const withTombstoneOfOriginal = (heads: StreamHeads, head: Head): StreamState =>
  isMetastream(head.name) && heads.get(originalOf(head.name)).ahead.tombstoned
    ? { ...head.ahead, tombstoned: true }
    : head.ahead;

const inFlightAt = (head: Head, revision: number): StoredEvent | undefined => {
  const wanted = BigInt(revision);
  for (const ticket of head.inFlight) {
    for (const write of ticket.writes) {
      const record = write.head === head && write.records.find((one) => one.revision === wanted);
      if (record) return { id: record.id, revision, position: Number(record.position) };
    }
  }
  return undefined;
};
