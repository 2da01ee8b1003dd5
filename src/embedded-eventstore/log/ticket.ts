import type { StreamState } from './append-rules.js';
import type { AppendOutcome, LogRecord } from './event-log.js';
import type { RetentionRow, StreamRow } from './writer-protocol.js';

/** Where one stream is, in memory. */
export interface Head {
  readonly name: string;
  /** 0 until the stream has a row, or one on its way. */
  id: number;
  /** As on the disk; what readers see. */
  settled: StreamState;
  /** With the appends in flight: what the next append is checked against. */
  ahead: StreamState;
  /** Oldest first. */
  readonly inFlight: CommitTicket[];
}

/** Events of one stream that wait for their commit. */
interface StreamWrite {
  readonly head: Head;
  readonly records: readonly LogRecord[];
}

/** One append on its way to the disk, with everything that it changes once it is there. */
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

/** One append as it is put together: all of it is written in one transaction or none. */
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

/** The promise that answers the append, settled by the commit. */
export const createTicket = (draft: AppendDraft, outcome: AppendOutcome): CommitTicket => {
  let resolve: CommitTicket['resolve'] = unset;
  let reject: CommitTicket['reject'] = unset;
  const promise = new Promise<AppendOutcome>((...settle) => ([resolve, reject] = settle));
  const { writes, changes, bytes } = draft;
  return { writes, changes, bytes, outcome, promise, resolve, reject };
};

const unset = (): void => undefined;
