import { EventLogError, type LogRecord } from './event-log.js';
import type { Heads } from './heads.js';
import { packBatch } from './pack-batch.js';
import type { RecentIds } from './recent-ids.js';
import type { Ticket } from './ticket.js';
import type { RetentionRow, StreamRow } from './writer-protocol.js';
import type { Writer, WriterEvents } from './writer.js';

/** What joins a group together with a ticket: rows that its events refer to. */
export interface Rows {
  readonly streams: readonly StreamRow[];
  readonly retention: readonly RetentionRow[];
}

export interface GroupCommitOptions {
  readonly heads: Heads;
  readonly recentIds: RecentIds;
  /** After a failure: what was counted ahead of the disk counts from the disk again. */
  readonly reload: () => void;
  /** In the order of the log, once per transaction, before the callers of `append` hear of it. */
  readonly onCommitted: (records: readonly LogRecord[]) => void;
  readonly onFailed: (message: string) => void;
  readonly onDied: (cause: unknown) => void;
}

interface Group {
  readonly tickets: Ticket[];
  readonly streams: StreamRow[];
  readonly retention: RetentionRow[];
}

const emptyGroup = (): Group => ({ tickets: [], streams: [], retention: [] });

/**
 * Appends that arrive in one turn of the event loop go to the writer together, and the writer puts
 * all that came while its disk was busy into one transaction.
 */
export const createGroupCommit = (options: GroupCommitOptions) => {
  const { heads, recentIds } = options;
  const posted: Group[] = [];
  let collecting = emptyGroup();
  let scheduled: NodeJS.Immediate | undefined;
  let pendingBytes = 0;
  let pendingAppends = 0;
  let writer: Writer | undefined;

  const flush = (): void => {
    scheduled = undefined;
    if (collecting.tickets.length === 0) return;
    writer?.append(packBatch(collecting));
    posted.push(collecting);
    collecting = emptyGroup();
  };

  const release = (ticket: Ticket): void => {
    pendingBytes -= ticket.bytes;
    pendingAppends -= 1;
  };

  const settle = (ticket: Ticket): void => {
    release(ticket);
    for (const { head, to } of ticket.changes) heads.settle(head, to);
  };

  /** Everything on its way was built on what failed: all of it goes, and the disk says where we are. */
  const rejectAll = (error: EventLogError): void => {
    const tickets = [...posted.splice(0), collecting].flatMap((group) => group.tickets);
    collecting = emptyGroup();
    for (const ticket of tickets) {
      release(ticket);
      for (const write of ticket.writes) write.records.forEach(recentIds.forget);
    }
    heads.forgetBusy();
    options.reload();
    for (const ticket of tickets) ticket.reject(error);
  };

  const events: Omit<WriterEvents, 'scavenged' | 'indexed'> = {
    committed: (batches) => {
      const tickets = posted.splice(0, batches).flatMap((group) => group.tickets);
      tickets.forEach(settle);
      options.onCommitted(recordsOf(tickets));
      for (const ticket of tickets) ticket.resolve(ticket.outcome);
    },
    failed: ({ outcome, message }) => {
      options.onFailed(message);
      writer?.resume();
      rejectAll(new EventLogError(outcome, `The transaction failed: ${message}`));
    },
    died: (cause) => {
      options.onDied(cause);
      rejectAll(new EventLogError('unknown', 'The writer of the event log died.', { cause }));
    },
  };

  return {
    events,
    attach: (to: Writer): void => {
      writer = to;
    },
    pending: () => ({ bytes: pendingBytes, appends: pendingAppends }),
    join: (ticket: Ticket, rows: Rows): void => {
      pendingBytes += ticket.bytes;
      pendingAppends += 1;
      collecting.tickets.push(ticket);
      collecting.streams.push(...rows.streams);
      collecting.retention.push(...rows.retention);
      for (const { head } of ticket.changes) heads.pin(head, ticket);
      for (const write of ticket.writes) write.records.forEach(recentIds.remember);
      scheduled ??= setImmediate(flush);
    },
    /** Sends what has been collected so far without waiting for the end of the turn. */
    flush: (): void => {
      if (scheduled !== undefined) clearImmediate(scheduled);
      flush();
    },
  };
};

export type GroupCommit = ReturnType<typeof createGroupCommit>;

const recordsOf = (tickets: readonly Ticket[]): LogRecord[] => {
  const records: LogRecord[] = [];
  for (const ticket of tickets) for (const write of ticket.writes) records.push(...write.records);
  return records;
};
