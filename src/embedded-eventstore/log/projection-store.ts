import { createTicket, emptyAppendDraft, type Head } from './append-rules.js';
import type { CommitSignal } from './commit-signal.js';
import type { EventLog, LogRecord, RawEvent } from './event-log.js';
import type { GroupCommit } from './group-commit.js';
import type { Drafts, LogHeads } from './heads.js';
import type { LogReader, StoredProjection, StoredState } from './reader.js';
import { isMetastream, metadataText, metastreamOf, originalOf } from './stream-metadata.js';
import type { ProjectionChange } from './writer-protocol.js';

/** Events for one stream, written together with the states that they come from. */
export interface EmittedWrite {
  readonly stream: string;
  readonly events: readonly RawEvent[];
  /** Hide what is in the stream before these events. */
  readonly truncates: boolean;
}

/** What the log stores for the engine of its projections. */
export interface ProjectionStore {
  /** The log's file, for threads that read events by themselves. */
  readonly path: string;
  /** For those threads: they pause for appends. */
  readonly appendsInFlight: Int32Array;
  list(): readonly StoredProjection[];
  /** The greatest run ever used. */
  lastRun(): number;
  stateOf(run: number, partition: string): StoredState | undefined;
  /** The streams that a projection wrote to, where they are tracked. */
  streamsOf(id: number): readonly string[];
  /**
   * The last event of a stream, committed or about to be; undefined if there is none, 'deleted' after a
   * tombstone.
   */
  lastOf(stream: string): LogRecord | 'deleted' | undefined;
  /** The revision of that event, without reading it; -1 if there is none. */
  lastRevisionOf(stream: string): number | 'deleted';
  /** Writes the changes and the events in one transaction, or nothing. Rejects with EventLogError. */
  commit(changes: readonly ProjectionChange[], writes: readonly EmittedWrite[]): Promise<void>;
  /** Resolves at the next commit, at the end of the log, or when the signal aborts. */
  nextCommit(signal: AbortSignal): Promise<void>;
  /** Deletes the states of runs that are over, slice by slice. */
  sweep(): void;
}

/** A log that also stores projections. */
export interface ProjectedLog extends EventLog {
  readonly projections: ProjectionStore;
}

interface StoreParts {
  readonly path: string;
  readonly appendsInFlight: Int32Array;
  readonly reader: LogReader;
  readonly heads: LogHeads;
  readonly drafts: Drafts;
  readonly commit: GroupCommit;
  readonly signal: CommitSignal;
  readonly assertOpen: () => void;
  readonly assertRoom: (bytes: number) => void;
  readonly askSweep: () => void;
}

export const createProjectionStore = (parts: StoreParts): ProjectionStore => {
  const { path, appendsInFlight, reader, heads, drafts, commit, signal } = parts;

  const isDeleted = (stream: string): boolean =>
    heads.get(stream).ahead.tombstoned ||
    (isMetastream(stream) && heads.get(originalOf(stream)).ahead.tombstoned);

  const append = (draft: ReturnType<typeof emptyAppendDraft>, write: EmittedWrite): void => {
    const head = heads.get(write.stream);
    if (write.truncates) {
      const metastream = heads.get(metastreamOf(write.stream));
      const metadata = lastRecord(reader, metastream);
      drafts.append(metastream, [metadataText(metadata, head.ahead.last + 1)], draft);
    }
    drafts.append(head, write.events, draft);
  };

  return {
    path,
    appendsInFlight,
    list: () => reader.projections.list(),
    lastRun: () => reader.projections.lastRun(),
    stateOf: (run, partition) => reader.projections.stateOf(run, partition),
    streamsOf: (id) => reader.projections.streamsOf(id),
    lastOf: (stream) => {
      const head = heads.get(stream);
      return isDeleted(stream) ? 'deleted' : lastRecord(reader, head);
    },
    lastRevisionOf: (stream) => (isDeleted(stream) ? 'deleted' : heads.get(stream).ahead.last),
    commit: async (changes, writes) => {
      parts.assertOpen();
      parts.assertRoom(bytesToWrite(writes));
      // Load before changing anything: a failed read must leave every head untouched.
      for (const { stream, truncates } of writes) {
        const { metadata } = heads.get(stream).ahead;
        if (truncates || metadata.softDeleted) heads.get(metastreamOf(stream));
        if (isMetastream(stream)) heads.get(originalOf(stream));
      }
      const draft = emptyAppendDraft();
      for (const write of writes) append(draft, write);
      const ticket = createTicket(draft, { kind: 'written', revision: -1n, position: 0n });
      commit.join(ticket, { ...draft, projections: changes });
      await ticket.promise;
    },
    nextCommit: (until) => signal.next(until),
    sweep: parts.askSweep,
  };
};

const lastRecord = (reader: LogReader, head: Head): LogRecord | undefined => {
  for (const ticket of head.inFlight.toReversed()) {
    const write = ticket.writes.findLast((one) => one.head === head);
    if (write !== undefined) return write.records.at(-1);
  }
  return head.id === 0 ? undefined : reader.lastOf(head.id);
};

const bytesToWrite = (writes: readonly EmittedWrite[]): number => {
  let bytes = 0;
  for (const { events } of writes) {
    for (const { data, metadata } of events) bytes += data.byteLength + metadata.byteLength;
  }
  return bytes;
};
