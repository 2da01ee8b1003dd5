import {
  type AppendClass,
  type AppendDraft,
  classifyAppend,
  type CommitTicket,
  createTicket,
  type Head,
  type StoredEvent,
  type StreamState,
  type StreamView,
} from './append-rules.js';
import type { Drafts, LogHeads } from './heads.js';
import {
  type AppendOutcome,
  type CopiedRecord,
  type EventLog,
  EventLogError,
  type Expected,
  type RawEvent,
  TOMBSTONE_REVISION,
} from './event-log.js';
import type { GroupCommit, RecentIds } from './group-commit.js';
import { isReserved } from './link-rules.js';
import type { LogReader } from './reader.js';
import { firstVisible, isMetastream, originalOf } from './stream-metadata.js';
import { TOMBSTONE, toStored } from './writer-protocol.js';

export interface AppendLimits {
  /** Limit of one append: data, metadata and twice the length of its type names. */
  readonly maxAppendBytes: number;
  /** Limit of all appends waiting for the disk. */
  readonly maxPendingBytes: number;
  readonly maxPendingAppends: number;
}

interface AppendParts extends ViewParts {
  readonly drafts: Drafts;
  readonly commit: GroupCommit;
  readonly limits: AppendLimits;
  /** Throws if the log no longer accepts appends. */
  readonly assertOpen: () => void;
}

interface AppendRequest {
  readonly stream: string;
  readonly expected: Expected;
  readonly ids: readonly string[];
  readonly bytes: number;
  /** Rules of this request that come before the common ones. */
  readonly refuse?: (head: Head) => AppendClass | undefined;
  /** Undefined if there is nothing to write. */
  readonly draft: ((head: Head) => AppendDraft) | undefined;
}

type Appends = Pick<EventLog, 'append' | 'copy' | 'softDelete' | 'tombstone'>;

export const createLogAppends = (parts: AppendParts): Appends => {
  const { heads, drafts, commit, limits } = parts;

  const join = (head: Head, draft: AppendDraft): Promise<AppendOutcome> => {
    const ticket = createTicket(draft, writtenBy(head, draft));
    commit.join(ticket, draft);
    return ticket.promise;
  };

  /**
   * Classifies and joins synchronously, so appends join in call order. A result that depends on an
   * append in flight waits for it, and is decided again if that one fails.
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
    copy: async (events) => {
      parts.assertOpen();
      for (const { stream } of events) checkStream(stream);
      checkEvents(events);
      const fresh: CopiedRecord[] = [];
      const last = new Map<string, number>();
      for (const event of events) {
        const { stream, revision } = event;
        const head = heads.get(stream);
        if (toStored(revision) > (last.get(stream) ?? head.ahead.last)) {
          last.set(stream, toStored(revision));
          fresh.push(event);
        } else if (!isCopied(viewOf(parts, head), event)) {
          return { kind: 'conflict', stream, revision };
        }
      }
      if (fresh.length === 0) return { kind: 'copied', written: 0 };
      const draft = drafts.copy(fresh);
      const ticket = createTicket(draft, NO_PLACE);
      commit.join(ticket, draft);
      await ticket.promise;
      return { kind: 'copied', written: fresh.length };
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

/** Copies have no place of their own to answer with. */
const NO_PLACE: AppendOutcome = { kind: 'written', revision: -1n, position: 0n };

/** What the stream's metadata hides may have been scavenged. */
const isCopied = (view: StreamView, { revision, id }: CopiedRecord): boolean => {
  const found = view.at(toStored(revision));
  if (found !== undefined) return found.id === id;
  const { metadata, last } = view.state;
  return metadata.softDeleted || toStored(revision) < firstVisible(metadata, last);
};

/** A placeholder id that no event has. */
const FRESH = '';

/** A soft delete needs an existing stream, even with the expectation `no_stream`. */
const neverExisted = (head: Head): AppendClass | undefined => {
  const { last, tombstoned, metadata } = head.ahead;
  const missing = !tombstoned && last < 0 && !metadata.exists;
  return missing ? { kind: 'wrong-revision' } : undefined;
};

export const assertRoom = (
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

/** The append in flight on which the result depends, if any. */
const appendInFlightFor = (
  heads: LogHeads,
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

/** Where the last requested event was written; an added `$metadata` event does not count. */
const writtenBy = (head: Head, { writes }: AppendDraft): AppendOutcome => {
  const last = writes[0]?.records.at(-1);
  return {
    kind: 'written',
    revision: head.ahead.last === TOMBSTONE ? TOMBSTONE_REVISION : BigInt(head.ahead.last),
    position: last?.position ?? 0n,
  };
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * SQLite cuts a text at NUL and folds lone surrogates into one character: either would mix up
 * streams.
 */
const checkName = (what: string, name: string): void => {
  if (name === '' || name.includes('\0') || !name.isWellFormed()) {
    throw new TypeError(`A ${what} must be non-empty, well-formed text without NUL.`);
  }
};

/** Throws a TypeError where the log cannot hold the name. */
export const checkStream = (stream: string): void => {
  checkName('stream name', stream);
  if (isReserved(stream))
    throw new TypeError('$ce- and $et- streams are reserved for links and cannot be written to.');
};

export const checkEvents = (events: readonly RawEvent[]): void => {
  for (const event of events) {
    checkName('event type', event.type);
    if (!UUID.test(event.id)) throw new TypeError('An event id must be a UUID.');
  }
};

/** The size of an append, counted as EventStoreDB does. */
const sizeOnDisk = (events: readonly RawEvent[]): number =>
  events.reduce(
    (sum, { data, metadata, type }) =>
      sum + data.byteLength + metadata.byteLength + 2 * type.length,
    0,
  );

interface ViewParts {
  readonly reader: LogReader;
  readonly heads: LogHeads;
  readonly recentIds: RecentIds;
}

/** A stream as the append rules see it: the disk plus the appends in flight. */
const viewOf = ({ reader, heads, recentIds }: ViewParts, head: Head): StreamView => ({
  state: withTombstoneOfOriginal(heads, head),
  recent: (id) => recentIds.find(head.name, id),
  at: (revision) =>
    revision > head.settled.last ? inFlightAt(head, revision) : reader.storedAt(head.id, revision),
});

const withTombstoneOfOriginal = (heads: LogHeads, head: Head): StreamState =>
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
