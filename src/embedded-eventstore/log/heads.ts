import { LRUCache } from 'lru-cache';
import type { StreamState } from './append-rules.js';
import type { LogRecord } from './event-log.js';
import type { LogReader } from './reader.js';
import {
  isMetastream,
  metastreamOf,
  METASTREAM_METADATA,
  NO_METADATA,
  parseMetadata,
} from './stream-metadata.js';
import type { Head, CommitTicket } from './ticket.js';
import { TOMBSTONE } from './writer-protocol.js';

export interface StreamHeads {
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
): StreamHeads => {
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
