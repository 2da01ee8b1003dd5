/**
 * The embedded event store's engine, free of both our port's and gRPC's types: the port adapter and
 * the gRPC server are two thin layers over it. Semantics follow EventStoreDB.
 */

/** The revision of the event that ends a tombstoned stream. */
export const TOMBSTONE_REVISION = 2n ** 63n - 1n;

export type LogErrorCode =
  /** Closed, or its writer died: every call rejects or throws so from now on. Nothing was written. */
  | 'closed'
  /** Too much is waiting for the disk. Nothing was written; it may go better later. */
  | 'busy'
  /** The transaction failed (a full disk, for instance). Nothing was written; it may go better later. */
  | 'failed'
  /** The commit or the writer broke down: written whole or not at all, nobody knows. */
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
  /** Strictly increasing through the log, never 0; commit and prepare are equal here. */
  readonly position: bigint;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export type AppendOutcome =
  /** Written, or written before (the idempotent repeat): where the last event is. Revision -1: nothing there, nothing asked. */
  | { readonly kind: 'written'; readonly revision: bigint; readonly position: bigint }
  | { readonly kind: 'wrong-revision'; readonly actual: bigint | 'no_stream' }
  /** Tombstoned, or softly deleted where the stream had to exist. */
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too-large'; readonly limit: number };

export type Direction = 'forwards' | 'backwards';

export type StreamPage =
  | {
      readonly kind: 'events';
      readonly events: readonly LogRecord[];
      readonly endReached: boolean;
      /** The first revision that the stream's metadata leaves visible; beyond `last` where it hides all. */
      readonly firstVisible: bigint;
      /** The stream's last revision, whatever part was asked for. */
      readonly last: bigint;
    }
  | { readonly kind: 'missing' }
  | { readonly kind: 'deleted' };

export interface LogFilter {
  readonly on: 'stream' | 'type';
  /** Either prefixes or one expression. */
  readonly prefixes?: readonly string[];
  /** A regular expression, or what guards one; what it throws ends the subscription. */
  readonly regex?: Pick<RegExp, 'test'>;
}

export type LogSubscriptionItem =
  | { readonly kind: 'event'; readonly event: LogRecord }
  | { readonly kind: 'checkpoint'; readonly position: bigint }
  | { readonly kind: 'caught-up' }
  /** The subscribed stream was tombstoned: nothing follows. */
  | { readonly kind: 'deleted' };

export interface EventLog {
  /**
   * Joins the next group commit; settles when the group is on disk. Rejects with EventLogError, or
   * with TypeError for a name that is empty, not well-formed, holds NUL or is reserved for links, and
   * an id that is no UUID.
   * The bytes must not be changed afterwards: subscribers are given them.
   */
  append(stream: string, expected: Expected, events: readonly RawEvent[]): Promise<AppendOutcome>;
  softDelete(stream: string, expected: Expected): Promise<AppendOutcome>;
  tombstone(stream: string, expected: Expected): Promise<AppendOutcome>;
  /** The last settled revision; 'no_stream' where softly deleted, TOMBSTONE_REVISION where for ever. */
  head(stream: string): bigint | 'no_stream';
  /**
   * A page, with the stream's metadata ($maxCount, $maxAge, $tb) applied; `from` is inclusive. Of a
   * link stream (`$ce-`, `$et-`) the links that are indexed: `indexLinks` comes first.
   */
  readStream(
    stream: string,
    from: bigint | 'start' | 'end',
    direction: Direction,
    limit: number,
  ): StreamPage;
  /**
   * A page; forwards includes `from`, backwards excludes it, as EventStoreDB does. Events that are
   * large make it shorter than the limit; only an empty page says that the end is reached.
   */
  readAll(
    from: bigint | 'start' | 'end',
    direction: Direction,
    limit: number,
  ): readonly LogRecord[];
  /** Resolves once the links to all events that are committed now can be read. */
  indexLinks(): Promise<void>;
  /** The position of the last committed event; 0 in an empty log. */
  lastPosition(): bigint;
  /** From after a position, catch-up then live, pulled by the consumer: a cursor and a wake-up. */
  subscribeAll(options: {
    readonly after: bigint | 'start' | 'end';
    readonly filter?: LogFilter;
    /** A checkpoint comes after this many considered events. Default 32. */
    readonly checkpointEvery?: number;
    readonly signal: AbortSignal;
  }): AsyncIterable<LogSubscriptionItem>;
  subscribeStream(options: {
    readonly stream: string;
    readonly after: bigint | 'start' | 'end';
    readonly signal: AbortSignal;
  }): AsyncIterable<LogSubscriptionItem>;
  /** Commits what is queued, ends subscriptions, closes the file. May be called twice. */
  close(): Promise<void>;
}
