import { LRUCache } from 'lru-cache';
import type { CommitTicket, StoredEvent } from './append-rules.js';
import type { AppendsInFlight } from './appends-in-flight.js';
import { EventLogError, type LogRecord } from './event-log.js';
import type { LogHeads } from './heads.js';
import { FILE_LOST } from './log-check.js';
import {
  type AppendBatch,
  NUMBERS_PER_EVENT,
  type ProjectionChange,
  type RetentionRow,
  type StreamRow,
  toStored,
} from './writer-protocol.js';
import type { LogWriter, WriterEvents } from './writer.js';

interface RecentEvent extends StoredEvent {
  readonly stream: string;
}

export interface RecentIds {
  find(stream: string, id: string): StoredEvent | undefined;
  readonly remember: (record: LogRecord) => void;
  /** The append failed, so its events are not in the log. */
  readonly forget: (record: LogRecord) => void;
}

/**
 * The ids of recent appends, to recognise repeats of appends that expect no particular revision:
 * without a revision there is no place in the log to check. Bounded, and empty after a restart.
 */
export const createRecentIds = (options: { readonly max: number }): RecentIds => {
  const seen = new LRUCache<string, RecentEvent>({ max: options.max });
  return {
    find: (stream: string, id: string): StoredEvent | undefined => {
      const found = seen.get(id);
      return found?.stream === stream ? found : undefined;
    },
    remember: ({ id, stream, revision, position }: LogRecord): void => {
      seen.set(id, { id, stream, revision: Number(revision), position: Number(position) });
    },
    forget: ({ id, position }: LogRecord): void => {
      if (seen.peek(id)?.position === Number(position)) seen.delete(id);
    },
  };
};

/** Rows that the events of a ticket refer to and that are written in the same group. */
interface Rows {
  readonly streams: readonly StreamRow[];
  readonly retention: readonly RetentionRow[];
  readonly projections?: readonly ProjectionChange[];
}

export interface GroupCommitOptions {
  readonly heads: LogHeads;
  readonly recentIds: RecentIds;
  readonly inFlight: AppendsInFlight;
  /** After a failure: discards state counted ahead of the disk and reads it from the disk again. */
  readonly reload: () => void;
  /** Called once per transaction, in log order, before `append` settles. */
  readonly onCommitted: (records: readonly LogRecord[]) => void;
  readonly onFailed: (message: string) => void;
  readonly onDied: (cause: unknown) => void;
}

interface CommitGroup {
  readonly tickets: CommitTicket[];
  readonly streams: StreamRow[];
  readonly retention: RetentionRow[];
  readonly projections: ProjectionChange[];
  /** Whether somebody other than a projection waits for it. */
  holdsAppends: boolean;
}

const emptyGroup = (): CommitGroup => ({
  tickets: [],
  streams: [],
  retention: [],
  projections: [],
  holdsAppends: false,
});

export interface GroupCommit {
  readonly events: Pick<WriterEvents, 'committed' | 'failed' | 'died'>;
  attach(to: LogWriter): void;
  pending(): { readonly bytes: number; readonly appends: number };
  join(ticket: CommitTicket, rows: Rows): void;
  /** Sends the collected appends at once, without waiting for the end of the turn. */
  flush(): void;
}

/**
 * Appends that arrive in one turn of the event loop are sent to the writer together, and the writer
 * commits everything that arrived during the previous commit in one transaction.
 */
export const createGroupCommit = (options: GroupCommitOptions): GroupCommit => {
  const { heads, recentIds, inFlight } = options;
  const posted: CommitGroup[] = [];
  let collecting = emptyGroup();
  let scheduled: NodeJS.Immediate | undefined;
  let pendingBytes = 0;
  let pendingAppends = 0;
  let writer: LogWriter | undefined;

  const flush = (): void => {
    scheduled = undefined;
    if (collecting.tickets.length === 0) return;
    writer?.append(packBatch(collecting));
    posted.push(collecting);
    collecting = emptyGroup();
  };

  const release = (ticket: CommitTicket): void => {
    pendingBytes -= ticket.bytes;
    pendingAppends -= 1;
  };

  const end = (groups: readonly CommitGroup[]): CommitTicket[] => {
    for (const { holdsAppends } of groups) if (holdsAppends) inFlight.ended();
    return groups.flatMap(({ tickets }) => tickets);
  };

  const settle = (ticket: CommitTicket): void => {
    release(ticket);
    for (const { head, to } of ticket.changes) heads.settle(head, to);
  };

  /**
   * All appends in flight were built on the failed one: reject them and continue from the state on
   * disk.
   */
  const rejectAll = (error: EventLogError): void => {
    const tickets = end([...posted.splice(0), collecting]);
    collecting = emptyGroup();
    for (const ticket of tickets) {
      release(ticket);
      for (const write of ticket.writes) write.records.forEach(recentIds.forget);
    }
    heads.forgetBusy();
    options.reload();
    for (const ticket of tickets) ticket.reject(error);
  };

  const events: GroupCommit['events'] = {
    committed: (batches) => {
      const tickets = end(posted.splice(0, batches));
      tickets.forEach(settle);
      options.onCommitted(recordsOf(tickets));
      for (const ticket of tickets) ticket.resolve(ticket.outcome);
    },
    failed: ({ outcome, message }) => {
      options.onFailed(message);
      writer?.resume();
      const text = message === FILE_LOST ? message : `The transaction failed: ${message}`;
      rejectAll(new EventLogError(outcome, text));
    },
    died: (cause) => {
      options.onDied(cause);
      rejectAll(new EventLogError('unknown', 'The writer of the event log died.', { cause }));
    },
  };

  return {
    events,
    attach: (to: LogWriter): void => {
      writer = to;
    },
    pending: () => ({ bytes: pendingBytes, appends: pendingAppends }),
    join: (ticket: CommitTicket, rows: Rows): void => {
      pendingBytes += ticket.bytes;
      pendingAppends += 1;
      collecting.tickets.push(ticket);
      collecting.streams.push(...rows.streams);
      collecting.retention.push(...rows.retention);
      collecting.projections.push(...(rows.projections ?? []));
      if (rows.projections === undefined && !collecting.holdsAppends) {
        collecting.holdsAppends = true;
        inFlight.began();
      }
      for (const { head } of ticket.changes) heads.pin(head, ticket);
      for (const write of ticket.writes) write.records.forEach(recentIds.remember);
      scheduled ??= setImmediate(flush);
    },
    flush: (): void => {
      if (scheduled !== undefined) clearImmediate(scheduled);
      flush();
    },
  };
};

const recordsOf = (tickets: readonly CommitTicket[]): LogRecord[] => {
  const records: LogRecord[] = [];
  for (const ticket of tickets) for (const write of ticket.writes) records.push(...write.records);
  return records;
};

/**
 * Packs a group for the writer. The bytes are copied into one buffer that is transferred: posting a
 * small Buffer would copy the whole pool that it was cut from.
 */
const packBatch = (group: CommitGroup): AppendBatch => {
  const { streams, retention, projections } = group;
  const { events, bytes } = sizeOfTickets(group.tickets);
  const numbers = new Float64Array(events * NUMBERS_PER_EVENT);
  const payload = new Uint8Array(bytes);
  const ids: string[] = [];
  const types: string[] = [];
  let offset = 0;
  forEachRecord(group.tickets, (record, stream) => {
    const length = recordBytes(record);
    payload.set(record.data, offset);
    payload.set(record.metadata, offset + record.data.byteLength);
    numbers.set(numbersOf(record, stream, length), ids.length * NUMBERS_PER_EVENT);
    ids.push(record.id);
    types.push(record.type);
    offset += length;
  });
  return { kind: 'append', streams, retention, projections, numbers, ids, types, payload };
};

const numbersOf = (record: LogRecord, stream: number, length: number): number[] => [
  Number(record.position),
  stream,
  toStored(record.revision),
  record.created,
  record.isJson ? 1 : 0,
  record.data.byteLength,
  length,
];

const recordBytes = (record: LogRecord): number =>
  record.data.byteLength + record.metadata.byteLength;

const sizeOfTickets = (
  tickets: readonly CommitTicket[],
): { readonly events: number; readonly bytes: number } => {
  let events = 0;
  let bytes = 0;
  forEachRecord(tickets, (record) => {
    events += 1;
    bytes += recordBytes(record);
  });
  return { events, bytes };
};

const forEachRecord = (
  tickets: readonly CommitTicket[],
  visit: (record: LogRecord, stream: number) => void,
): void => {
  for (const ticket of tickets) {
    for (const { head, records } of ticket.writes) {
      for (const record of records) visit(record, head.id);
    }
  }
};
