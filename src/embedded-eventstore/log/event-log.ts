/** The logger methods that the event store needs; winston's logger fits. */
export interface EventLogLogger {
  error(message: string, context?: Readonly<Record<string, unknown>>): void;
  warn(message: string, context?: Readonly<Record<string, unknown>>): void;
  info(message: string, context?: Readonly<Record<string, unknown>>): void;
  debug(message: string, context?: Readonly<Record<string, unknown>>): void;
}

/**
 * The engine of the embedded event store, independent of both the service's port and gRPC: the port
 * adapter and the gRPC server are thin layers over it. Semantics follow EventStoreDB.
 */

/** The revision of the event that ends a tombstoned stream. */
export const TOMBSTONE_REVISION = 2n ** 63n - 1n;

export type LogErrorCode =
  /** Closed, or the writer died: every further call rejects or throws. Nothing was written. */
  | 'closed'
  /** Too many appends are waiting for the disk. Nothing was written; retry later. */
  | 'busy'
  /** The transaction failed, for instance on a full disk. Nothing was written; retry later. */
  | 'failed'
  /** A page of the file is damaged. */
  | 'corrupt'
  /** The commit or the writer failed: the append was written as a whole or not at all. */
  | 'unknown';

export class EventLogError extends Error {
  override readonly name = 'EventLogError';

  constructor(
    readonly code: LogErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export type Expected = bigint | 'no_stream' | 'stream_exists' | 'any';

export interface RawEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  readonly isJson: boolean;
}

export interface LogRecord extends RawEvent {
  readonly stream: string;
  readonly revision: bigint;
  /** Strictly increasing through the log, never 0; commit and prepare positions are equal. */
  readonly position: bigint;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export type AppendOutcome =
  /**
   * Written now or earlier (an idempotent repeat), with the place of the last event. Revision -1:
   * an empty append to an empty stream.
   */
  | { readonly kind: 'written'; readonly revision: bigint; readonly position: bigint }
  | { readonly kind: 'wrong-revision'; readonly actual: bigint | 'no_stream' }
  /** Tombstoned, or soft deleted when the stream had to exist. */
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too-large'; readonly limit: number };

/** An event of another log. */
export type CopiedRecord = Omit<LogRecord, 'position'>;

type CopyOutcome =
  /** How many were written now; the others had been copied before. */
  | { readonly kind: 'copied'; readonly written: number }
  /** The stream has another event at this revision or beyond it. Nothing was written. */
  | { readonly kind: 'conflict'; readonly stream: string; readonly revision: bigint };

export type Direction = 'forwards' | 'backwards';

export type StreamPage =
  | {
      readonly kind: 'events';
      readonly events: readonly LogRecord[];
      readonly endReached: boolean;
      /**
       * The first revision that the stream's metadata leaves visible; beyond `last` if it hides
       * all.
       */
      readonly firstVisible: bigint;
      /** The stream's last revision, whichever part was read. */
      readonly last: bigint;
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'deleted' };

export interface LogFilter {
  readonly on: 'stream' | 'type';
  readonly prefixes?: readonly string[];
  /**
   * A regular expression or a wrapper of one. If it throws, the subscription ends with that error.
   */
  readonly regex?: Pick<RegExp, 'test'>;
}

export type LogSubscriptionItem =
  | { readonly kind: 'event'; readonly event: LogRecord }
  | { readonly kind: 'checkpoint'; readonly position: bigint }
  | { readonly kind: 'caught-up' }
  /** The subscribed stream was tombstoned; no more items follow. */
  | { readonly kind: 'deleted' };

interface SubscribeAllOptions {
  readonly after: bigint | 'start' | 'end';
  readonly filter?: LogFilter;
  /** Events scanned per checkpoint. Default 32. */
  readonly checkpointEvery?: number;
  readonly signal: AbortSignal;
}

export interface EventLog {
  /**
   * Joins the next group commit and settles when the group is on disk. Rejects with EventLogError,
   * or with TypeError for a stream name that is empty, not well-formed, reserved for links or
   * contains NUL, and for an id that is not a UUID. Do not change the bytes afterwards: they are
   * passed to subscribers.
   */
  append(stream: string, expected: Expected, events: readonly RawEvent[]): Promise<AppendOutcome>;
  /**
   * Appends events of another log as they were there, all or none: with their revisions, of which some
   * may be missing, and their creation times. Metadata and tombstones take effect, and nothing is added
   * to them. Events that were copied before are skipped; those that the metadata hides may be gone.
   */
  copy(events: readonly CopiedRecord[]): Promise<CopyOutcome>;
  softDelete(stream: string, expected: Expected): Promise<AppendOutcome>;
  tombstone(stream: string, expected: Expected): Promise<AppendOutcome>;
  /**
   * The last settled revision; 'no_stream' after a soft delete, TOMBSTONE_REVISION after a hard
   * one.
   */
  head(stream: string): bigint | 'no_stream';
  /**
   * A page, with the stream's metadata ($maxCount, $maxAge, $tb) applied; `from` is inclusive. A
   * link stream (`$ce-`, `$et-`, ...) only returns links that are indexed: call `indexLinks` first.
   */
  readStream(
    stream: string,
    from: bigint | 'start' | 'end',
    direction: Direction,
    limit: number,
  ): StreamPage;
  /**
   * A page; `from` is inclusive forwards and exclusive backwards, as in EventStoreDB. Large events
   * make it shorter than the limit; only an empty page means the end.
   */
  readAll(
    from: bigint | 'start' | 'end',
    direction: Direction,
    limit: number,
  ): readonly LogRecord[];
  /** Resolves once the links to all events committed so far can be read. */
  indexLinks(): Promise<void>;
  /** The optional link streams, by EventStoreDB's name of the projection: whether each is on. */
  optionalLinks(): ReadonlyMap<string, boolean>;
  /**
   * Turns `$streams`, `$stream_by_category` or `$by_correlation_id` on or off. They begin at the
   * beginning of the log, and go on where they were turned off. Durable when it resolves.
   */
  turnLinks(name: string, on: boolean): Promise<void>;
  /** The position of the last committed event; 0 in an empty log. */
  lastPosition(): bigint;
  /**
   * Starts after a position, catches up, then goes live. The consumer pulls: a cursor and a
   * wake-up.
   */
  subscribeAll(options: SubscribeAllOptions): AsyncIterable<LogSubscriptionItem>;
  /** The same, as many items together as are at hand. */
  subscribeAllInPages(options: SubscribeAllOptions): AsyncIterable<readonly LogSubscriptionItem[]>;
  subscribeStream(options: {
    readonly stream: string;
    readonly after: bigint | 'start' | 'end';
    readonly signal: AbortSignal;
  }): AsyncIterable<LogSubscriptionItem>;
  /**
   * Resolves if the log can be read and written. Rejects with EventLogError where its disk is full or does
   * not respond, where its file is gone, and where a page was found damaged.
   */
  check(): Promise<void>;
  /** Commits queued appends, ends subscriptions, closes the file. May be called twice. */
  close(): Promise<void>;
}
