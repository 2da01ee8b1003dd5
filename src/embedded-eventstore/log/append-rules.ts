import type { Expected } from './event-log.js';
import type { StreamMetadata } from './stream-metadata.js';

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
