import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  type AppendDraft,
  type CommitTicket,
  emptyAppendDraft,
  type Head,
  type StreamState,
} from './append-rules.js';
import {
  type CopiedRecord,
  type LogRecord,
  type RawEvent,
  TOMBSTONE_REVISION,
} from './event-log.js';
import type { LogReader } from './reader.js';
import {
  isMetastream,
  METADATA_TYPE,
  METASTREAM_METADATA,
  metastreamOf,
  NO_METADATA,
  originalOf,
  parseMetadata,
  SOFT_DELETED_JSON,
  type StreamMetadata,
  undeletedJson,
} from './stream-metadata.js';
import { TOMBSTONE, toStored } from './writer-protocol.js';

export interface LogHeads {
  get(name: string): Head;
  /** The head only if it is in memory. */
  peek(name: string): Head | undefined;
  /** Adds an append in flight to the head. */
  pin(head: Head, ticket: CommitTicket): void;
  /** The oldest append in flight of this head is on disk. */
  settle(head: Head, to: StreamState): void;
  /** After a failed transaction only the disk has the right state. */
  forgetBusy(): void;
}

/**
 * The head of every stream, loaded on demand. Heads with appends in flight are kept; the least
 * recently used others are evicted.
 */
export const createStreamHeads = (
  reader: LogReader,
  options: { readonly max: number },
): LogHeads => {
  const idle = new LRUCache<string, Head>({ max: options.max });
  const busy = new Map<string, Head>();

  const load = (name: string): Head => {
    const id = reader.streamId(name) ?? 0;
    const state = {
      ...stateAfter(id === 0 ? undefined : reader.lastOf(id)),
      metadata: metadata(name),
    };
    return { name, id, settled: state, ahead: state, inFlight: [] };
  };

  const metadata = (name: string) => {
    if (isMetastream(name)) return METASTREAM_METADATA;
    const id = reader.streamId(metastreamOf(name));
    const event = id === undefined ? undefined : reader.lastOf(id);
    return event === undefined ? NO_METADATA : parseMetadata(event);
  };

  return {
    get: (name: string): Head => {
      const known = busy.get(name) ?? idle.get(name);
      if (known !== undefined) return known;
      const head = load(name);
      idle.set(name, head);
      return head;
    },
    peek: (name: string): Head | undefined => busy.get(name) ?? idle.peek(name),
    pin: (head: Head, ticket: CommitTicket): void => {
      if (head.inFlight.length === 0) busy.set(head.name, head);
      head.inFlight.push(ticket);
    },
    settle: (head: Head, to: StreamState): void => {
      head.settled = to;
      head.inFlight.shift();
      if (head.inFlight.length > 0) return;
      busy.delete(head.name);
      idle.set(head.name, head);
    },
    forgetBusy: (): void => {
      for (const name of busy.keys()) idle.delete(name);
      busy.clear();
    },
  };
};

const stateAfter = (last: LogRecord | undefined): Omit<StreamState, 'metadata'> => {
  if (last === undefined) return { last: -1, lastPosition: 0, tombstoned: false };
  const revision = Number(last.revision);
  const tombstoned = revision >= TOMBSTONE;
  return {
    last: tombstoned ? TOMBSTONE : revision,
    lastPosition: Number(last.position),
    tombstoned,
  };
};

const FIRST_POSITION = 128;
const EVENT_OVERHEAD = 64;
const NO_BYTES = new Uint8Array();

export interface Drafts {
  reload(): void;
  /** Adds to a draft that holds earlier parts of the same append. */
  append(head: Head, events: readonly RawEvent[], to?: AppendDraft): AppendDraft;
  /** Each above the last revision of its stream. */
  copy(events: readonly CopiedRecord[]): AppendDraft;
  readonly softDelete: (head: Head) => AppendDraft;
  readonly tombstone: (head: Head) => AppendDraft;
}

/** Assigns stream ids and positions ahead of the disk and advances heads as events join. */
export const createDrafts = (reader: LogReader, heads: LogHeads, now: () => number): Drafts => {
  let lastStream = 0;
  let lastPosition = 0;

  const reload = (): void => {
    lastStream = reader.lastStreamId();
    lastPosition = Math.max(FIRST_POSITION, reader.lastPosition());
  };
  reload();

  const advance = (draft: AppendDraft, head: Head, to: StreamState): void => {
    head.ahead = to;
    const change = draft.changes.find((candidate) => candidate.head === head);
    if (change === undefined) draft.changes.push({ head, to });
    else change.to = to;
  };

  const ensureRow = (draft: AppendDraft, head: Head): void => {
    if (head.id !== 0) return;
    head.id = ++lastStream;
    draft.streams.push([head.id, head.name]);
  };

  const recordOf = (draft: AppendDraft, event: CopiedRecord): LogRecord => {
    const bytes = event.data.byteLength + event.metadata.byteLength + event.type.length;
    lastPosition += bytes + EVENT_OVERHEAD;
    draft.bytes += bytes + EVENT_OVERHEAD;
    const { id, type, created, isJson, data, metadata, stream, revision } = event;
    const position = BigInt(lastPosition);
    return { stream, revision, position, id, type, created, isJson, data, metadata };
  };

  /** Adds records that end at the revision `last`. */
  const add = (draft: AppendDraft, head: Head, events: readonly CopiedRecord[], last: number) => {
    ensureRow(draft, head);
    const records = events.map((event) => recordOf(draft, event));
    draft.writes.push({ head, records });
    if (isMetastream(head.name) && head.ahead.last < 1 && last >= 1) {
      draft.retention.push([head.id, 1]);
    }
    advance(draft, head, {
      last,
      lastPosition,
      tombstoned: last === TOMBSTONE,
      metadata: head.ahead.metadata,
    });
  };

  const write = (
    draft: AppendDraft,
    head: Head,
    events: readonly RawEvent[],
    from: number,
  ): void => {
    const created = now();
    const placed = events.map(({ id, type, data, metadata, isJson }, index) => {
      const revision = from === TOMBSTONE ? TOMBSTONE_REVISION : BigInt(from + index);
      return { stream: head.name, revision, id, type, created, isJson, data, metadata };
    });
    add(draft, head, placed, from + events.length - 1);
  };

  const copyOne = (draft: AppendDraft, event: CopiedRecord): void => {
    const head = heads.get(event.stream);
    add(draft, head, [event], toStored(event.revision));
    if (!isMetastream(head.name)) return;
    const original = heads.get(originalOf(head.name));
    if (!isMetastream(original.name)) setMetadata(draft, original, parseMetadata(event));
  };

  const setMetadata = (draft: AppendDraft, head: Head, metadata: StreamMetadata): void => {
    if (metadata.maxCount !== head.ahead.metadata.maxCount) {
      ensureRow(draft, head);
      draft.retention.push([head.id, metadata.maxCount]);
    }
    advance(draft, head, { ...head.ahead, metadata });
  };

  const writeMetadata = (draft: AppendDraft, head: Head, json: string): void => {
    const metastream = heads.get(metastreamOf(head.name));
    const event = metadataEvent(json);
    write(draft, metastream, [event], metastream.ahead.last + 1);
    if (!isMetastream(head.name)) setMetadata(draft, head, parseMetadata(event));
  };

  /** A client's write to a metastream changes the stream's metadata and undoes a soft delete. */
  const follow = (draft: AppendDraft, metastream: Head, event: RawEvent): void => {
    const head = heads.get(originalOf(metastream.name));
    if (isMetastream(head.name)) return;
    const wasDeleted = head.ahead.metadata.softDeleted;
    setMetadata(draft, head, parseMetadata(event));
    if (!wasDeleted) return;
    const json = undeletedJson(event, head.ahead.last + 1);
    if (json !== undefined) writeMetadata(draft, head, json);
  };

  return {
    reload,
    append: (head: Head, events: readonly RawEvent[], draft = emptyAppendDraft()): AppendDraft => {
      const { metadata, last } = head.ahead;
      // Load before changing anything: a failed read must leave every head untouched.
      if (metadata.softDeleted) heads.get(metastreamOf(head.name));
      if (isMetastream(head.name)) heads.get(originalOf(head.name));
      write(draft, head, events, last + 1);
      const json = metadata.softDeleted ? undeletedJson(metadata, last + 1) : undefined;
      if (json !== undefined) writeMetadata(draft, head, json);
      const latest = events.at(-1);
      if (isMetastream(head.name) && latest !== undefined) follow(draft, head, latest);
      return draft;
    },
    copy: (events) => {
      // Load before changing anything, as above.
      for (const { stream } of events) {
        heads.get(stream);
        if (isMetastream(stream)) heads.get(originalOf(stream));
      }
      const draft = emptyAppendDraft();
      for (const event of events) copyOne(draft, event);
      return draft;
    },
    softDelete: (head: Head): AppendDraft => {
      const draft = emptyAppendDraft();
      writeMetadata(draft, head, SOFT_DELETED_JSON);
      return draft;
    },
    tombstone: (head: Head): AppendDraft => {
      const draft = emptyAppendDraft();
      const event = { id: randomUUID(), type: '$streamDeleted', isJson: true };
      write(draft, head, [{ ...event, data: NO_BYTES, metadata: NO_BYTES }], TOMBSTONE);
      return draft;
    },
  };
};

const metadataEvent = (json: string): RawEvent => ({
  id: randomUUID(),
  type: METADATA_TYPE,
  data: Buffer.from(json),
  metadata: NO_BYTES,
  isJson: true,
});
