import type { JsonObject } from './json.js';

/** A place in the log of all streams. Both halves matter: a server may report them unequal. */
export interface Position {
  readonly commit: bigint;
  readonly prepare: bigint;
}

/** The revision a stream must be at; 'no_stream' means that it must not exist. */
export type ExpectedRevision = bigint | 'no_stream';

export interface NewEvent {
  /** A UUID. Repeating it at the same expected revision is what makes a retry safe. */
  readonly id: string;
  readonly type: string;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
}

/** An event as another log holds it: its bytes are stored unchanged, whether or not they are JSON. */
export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  readonly isJson: boolean;
}

export interface RecordedEvent {
  readonly stream: string;
  /** Counts from 0 in each stream. */
  readonly revision: bigint;
  readonly id: string;
  readonly type: string;
  /** UTF-8 JSON when isJson, else whatever a client stored. Left encoded: forwarding must not pay for parsing. */
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  readonly isJson: boolean;
  readonly position: Position;
  /** When the store recorded it, milliseconds since the epoch, by the store's clock. */
  readonly recordedAt: number;
}

export interface AppendResult {
  /** The revision of the last event of this append. */
  readonly revision: bigint;
  /** The position of the last event of this append. */
  readonly position: Position;
}

/** What a subscription delivers, in log order. */
export type SubscriptionItem =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  /** Everything up to here was considered; no earlier match follows. */
  | { readonly kind: 'checkpoint'; readonly position: Position }
  /** History is delivered; what follows is live. Comes again after the subscription fell behind. */
  | { readonly kind: 'caught-up' };

export interface SubscriptionOptions {
  /** Resume after this position (exclusive), or from the first event of the log. */
  readonly after: Position | 'start';
  /** Only streams whose names start so, filtered by the server. Absent: all, system streams too. */
  readonly streamPrefix?: string;
  readonly signal: AbortSignal;
  /** Told of each drop after which the store resumes the subscription itself. */
  readonly onDrop?: (reason: DropReason) => void;
}

/** `slow-consumer`: the server ended it because it was far ahead, as it may under load. */
export const DROP_REASONS = ['ended', 'silence', 'slow-consumer', 'unavailable'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export interface ReadOptions {
  /** First revision to read, inclusive. Default: 0 forwards, the last one backwards. */
  readonly from?: bigint;
  readonly direction?: 'forwards' | 'backwards';
  /** At most this many events. Default: to the end. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface ReadAllOptions {
  /** Read on from here, exclusive. Default: the first event forwards, the last one backwards. */
  readonly after?: Position | undefined;
  readonly direction: 'forwards' | 'backwards';
  /** At most this many events, which the caller holds in memory. */
  readonly limit: number;
}

/**
 * The log that is the only truth. Every adapter passes the contract suite, whose clauses carry
 * these numbers.
 *
 * Appending
 * - ES-1  The first event of a stream has revision 0; an append returns the revision and position
 *         of its last event.
 * - ES-2  An append at another revision than the stream's rejects with WrongExpectedRevisionError
 *         that says where the stream is ('no_stream' where it does not exist), and writes nothing.
 * - ES-3  A batch is written whole, at consecutive revisions, or not at all.
 * - ES-4  Of any number of concurrent appends at one revision exactly one wins; appends to other
 *         streams are not disturbed.
 * - ES-5  The same ids at the same expected revision again succeed with the answer of the first
 *         time, write nothing, whatever came after.
 * - ES-6  A settled append survives a crash of the store; an unsettled one is there whole or not.
 * - ES-7  A store that cannot be reached rejects with UnavailableError, never with a conflict; an
 *         append whose answer is lost or late rejects with OutcomeUnknownError within the
 *         adapter's time-out. It never hangs.
 * - ES-8  An append over the store's size limit rejects with TooLargeError and writes nothing.
 * - ES-9  An append without events is a TypeError: it would be a question, not a write.
 * - ES-24 An event given as bytes is stored as it is: data and metadata byte by byte, JSON or not, and
 *         of a type of the store's own, too, such as a link.
 *
 * Reading
 * - ES-10 Events come back in order, forwards or backwards, from any revision, with a limit; a
 *         missing stream reads as empty.
 * - ES-11 Data and metadata round-trip (unicode, nested null, NUL escapes, empty objects).
 * - ES-12 `head` returns the last revision, or 'no_stream', and sees every settled append.
 * - ES-13 Positions grow strictly through the log and keep 64 bits.
 *
 * - ES-23 `readAll` returns the events of all streams after a position, system events too, in log
 *         order or against it, at most `limit` of them: fewer only where the log ends.
 *
 * Subscribing to all
 * - ES-14 Delivers every matching event after `after`, once, in log order, across the seam from
 *         history to live; resuming after a delivered position neither repeats nor skips.
 * - ES-15 Delivers 'caught-up' when history is done, also when there is none; with a prefix,
 *         checkpoints come while nothing matches.
 * - ES-16 A slow consumer holds the producer back: memory does not grow.
 * - ES-17 Aborting the signal ends an idle iteration without an error; leaving the loop by break or
 *         throw releases the subscription.
 * - ES-18 A subscription that the server ends, drops or forgets is resumed by the adapter after the
 *         last delivered position, with backoff, without a gap or a repeat. It ends by itself only
 *         with an error that is not retriable.
 *
 * Streams; a soft delete is an operator's, around this port
 * - ES-19 `setMaxCount` leaves only the last N events readable; revisions go on counting. A read from
 *         before them begins at the first that is left. `$$<stream>` reads as the stream's metadata.
 * - ES-20 A deleted stream reads as empty and can be appended to again where 'no_stream' is
 *         expected; its revisions go on counting.
 * - ES-21 A tombstoned stream rejects reads and appends with StreamDeletedError.
 * - ES-25 `tombstone` ends a stream for ever, even one that does not exist. It may be repeated.
 * - ES-22 `close` settles or rejects what is pending, ends subscriptions, and may be called twice;
 *         afterwards every call rejects with UnavailableError.
 */
export interface EventStore {
  append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly (NewEvent | EncodedEvent)[],
    options?: { readonly timeoutMs?: number },
  ): Promise<AppendResult>;
  read(stream: string, options?: ReadOptions): AsyncIterable<RecordedEvent>;
  head(stream: string): Promise<ExpectedRevision>;
  readAll(options: ReadAllOptions): Promise<readonly RecordedEvent[]>;
  subscribeToAll(options: SubscriptionOptions): AsyncIterable<SubscriptionItem>;
  setMaxCount(stream: string, maxCount: number): Promise<void>;
  tombstone(stream: string): Promise<void>;
  /** The version that the server reports; absent where there is no server. */
  readonly serverVersion?: () => Promise<string>;
  /** Resolves when the store answers, else rejects with UnavailableError. For health checks. */
  ping(): Promise<void>;
  /** The same for what subscribers need: rejects with ACCESS_DENIED where `$all` may not be read. */
  pingAll(): Promise<void>;
  close(): Promise<void>;
}

export const isEncoded = (event: NewEvent | EncodedEvent): event is EncodedEvent =>
  event.data instanceof Uint8Array;
