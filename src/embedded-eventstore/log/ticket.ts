import type { StreamState } from './append-rules.js';
import type { AppendOutcome, LogRecord } from './event-log.js';
import type { RetentionRow, StreamRow } from './writer-protocol.js';

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
