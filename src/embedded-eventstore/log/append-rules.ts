import type { AppendOutcome, Expected, LogRecord } from './event-log.js';
import type { StreamMetadata } from './stream-metadata.js';
import type { RetentionRow, StreamRow } from './writer-protocol.js';

/** The last event and the metadata of a stream. Immutable: an append creates a new one. */
export interface StreamState {
  /** The last revision; -1 if there is none. */
  readonly last: number;
  readonly lastPosition: number;
  readonly tombstoned: boolean;
  readonly metadata: StreamMetadata;
}

export interface StoredEvent {
  readonly id: string;
  readonly revision: number;
  readonly position: number;
}

/** What the append rules need to know of a stream, including appends in flight. */
export interface StreamView {
  readonly state: StreamState;
  /** The event at a revision of any age; undefined if it was scavenged or never written. */
  at(revision: number): StoredEvent | undefined;
  /** A recent event of this stream with this id, if it is still cached. */
  recent(id: string): StoredEvent | undefined;
}

export type AppendClass =
  | { readonly kind: 'append' }
  | { readonly kind: 'repeat'; readonly of: StoredEvent }
  | { readonly kind: 'wrong-revision' }
  | { readonly kind: 'deleted' };

const APPEND: AppendClass = { kind: 'append' };
const WRONG: AppendClass = { kind: 'wrong-revision' };
const DELETED: AppendClass = { kind: 'deleted' };

/**
 * Decides whether an append is new, a repeat or refused: the rules of EventStoreDB's writer, in its
 * order.
 */
export const classifyAppend = (
  view: StreamView,
  expected: Expected,
  ids: readonly string[],
): AppendClass => {
  const { state } = view;
  if (state.tombstoned) return DELETED;
  if (expected === 'any') return classifyById(view, ids);
  if (expected === 'stream_exists') {
    if (state.metadata.softDeleted) return DELETED;
    if (state.last < 0 && !state.metadata.exists) return WRONG;
    return classifyById(view, ids);
  }
  const revision = expected === 'no_stream' ? -1 : Number(expected);
  if (revision === state.last) return APPEND;
  if (revision > state.last) return WRONG;
  return classifyByRevision(view, revision, ids);
};

/** An id found at an unexpected place refuses the append, even with the expectation `any`. */
const classifyById = (view: StreamView, ids: readonly string[]): AppendClass => {
  let last: StoredEvent | undefined;
  for (const [index, id] of ids.entries()) {
    const known = view.recent(id);
    if (known === undefined) return index === 0 ? APPEND : WRONG;
    last = known;
  }
  return last === undefined ? APPEND : { kind: 'repeat', of: last };
};

const classifyByRevision = (
  view: StreamView,
  expected: number,
  ids: readonly string[],
): AppendClass => {
  let last: StoredEvent | undefined;
  for (const [index, id] of ids.entries()) {
    const stored = view.at(expected + 1 + index);
    if (stored?.id !== id) {
      const recreates = index === 0 && expected === -1 && view.state.metadata.softDeleted;
      return recreates ? APPEND : WRONG;
    }
    last = stored;
  }
  if (last !== undefined) return { kind: 'repeat', of: last };
  return expected === -1 && view.state.metadata.softDeleted ? APPEND : WRONG;
};

/** The state of one stream in memory. */
export interface Head {
  readonly name: string;
  /** 0 until the stream has a row, written or in flight. */
  id: number;
  /** The state on disk, which readers see. */
  settled: StreamState;
  /** The state including appends in flight, against which the next append is checked. */
  ahead: StreamState;
  readonly inFlight: CommitTicket[];
}

/** Events of one stream waiting for their commit. */
interface StreamWrite {
  readonly head: Head;
  readonly records: readonly LogRecord[];
}

/** One append in flight and the changes to apply once it is on disk. */
export interface CommitTicket {
  readonly writes: readonly StreamWrite[];
  readonly changes: readonly { readonly head: Head; readonly to: StreamState }[];
  readonly bytes: number;
  readonly outcome: AppendOutcome;
  /** Settles with the commit; results that depend on this append wait for it. */
  readonly promise: Promise<AppendOutcome>;
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** One append being assembled; written in one transaction or not at all. */
export interface AppendDraft {
  readonly writes: StreamWrite[];
  readonly changes: { readonly head: Head; to: StreamState }[];
  readonly streams: StreamRow[];
  readonly retention: RetentionRow[];
  bytes: number;
}

export const emptyAppendDraft = (): AppendDraft => ({
  writes: [],
  changes: [],
  streams: [],
  retention: [],
  bytes: 0,
});

/** Creates the promise for the append, which the commit settles. */
export const createTicket = (draft: AppendDraft, outcome: AppendOutcome): CommitTicket => {
  let resolve: CommitTicket['resolve'] = unset;
  let reject: CommitTicket['reject'] = unset;
  const promise = new Promise<AppendOutcome>((...settle) => ([resolve, reject] = settle));
  const { writes, changes, bytes } = draft;
  return { writes, changes, bytes, outcome, promise, resolve, reject };
};

const unset = (): void => undefined;
