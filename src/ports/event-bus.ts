/** One message. Its key decides the partition, and so the order. */
export interface BusRecord {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface DeliveredRecord extends BusRecord {
  readonly partition: number;
  /** Counts from 0 in each partition. */
  readonly offset: bigint;
}

/** An offset for each partition by its number. */
export type Offsets = ReadonlyMap<number, bigint>;

export interface RecordBatch {
  readonly partition: number;
  readonly records: readonly DeliveredRecord[];
  /** How many records of the partition wait behind this batch, as far as the bus knows. */
  readonly waiting: number;
  /** Tells the group that the handler lives; call it between long steps. */
  heartbeat(): Promise<void>;
  /** Aborted when the partition is taken away or the consumer stops: leave at once. */
  readonly signal: AbortSignal;
}

/** Resolves when the batch is dealt with for good; its offsets are committed only then. */
export type BatchHandler = (batch: RecordBatch) => Promise<void>;

export interface BusPublisher {
  /** Answers the last offset in each partition that it wrote to; nothing where the bus keeps nothing. */
  publish(records: readonly BusRecord[]): Promise<Offsets>;
  close(): Promise<void>;
}

export interface BusConsumer {
  /** Begins to deliver. Resolves when the consumer is a member of its group. */
  start(handler: BatchHandler): Promise<void>;
  /** Waits for the running handlers, up to the adapter's deadline. */
  stop(): Promise<void>;
  /**
   * Whether it is delivering; false after a crash that it cannot mend by itself, and while a batch
   * has kept failing for longer than a passing trouble takes.
   */
  healthy(): boolean;
}

/**
 * The ordered way from the log to the read models. At least once, in order per key.
 *
 * - EB-1 Records of one key arrive in the order in which they were published, always on one
 *        partition; key, value and headers round-trip.
 * - EB-2 `publish` resolves only when the records are safe: replicated by the broker, or handled
 *        where the bus keeps nothing. It rejects with UnavailableError or TooLargeError; then any
 *        of them may or may not arrive, and publishing them again is right.
 * - EB-3 A batch whose handler throws is delivered again, from its first record, after a pause;
 *        later records of that partition wait, other partitions go on.
 * - EB-4 A new group starts at the first record that the bus keeps. Every group gets every record.
 * - EB-5 Batches of one partition are handled one at a time.
 * - EB-6 A slow handler holds publishing or fetching back: memory does not grow.
 * - EB-7 `stop` waits for the running handler; what was not handled is delivered to the next member
 *        of the group. `stop` and `close` may be called twice.
 * - EB-8 `ends` answers, for every partition, the offset after its last record, and sees every
 *        resolved `publish`; null where the bus keeps nothing.
 * - EB-9 `sample` answers one of the records that the bus keeps, or null where it keeps none: whose
 *        records these are can be told by any of them.
 * - EB-10 `forget` drops what is remembered of a group, so that it starts at the first record again,
 *        and answers true; false where the group has members, which is left as it is.
 * - EB-11 A consumer is not healthy while a batch of it keeps failing, and is again once it passes.
 * - EB-12 `committed` answers the offset after the last record that a group has handled, for each
 *        partition where it has handled any; nothing for a group that is not known or where the bus
 *        keeps nothing.
 * - EB-13 `members` answers how many members a group has, those that died without a word for as long
 *        as they are waited for.
 */
export interface EventBus {
  publisher(): Promise<BusPublisher>;
  consumer(group: string): BusConsumer;
  ends(): Promise<Offsets | null>;
  sample(): Promise<BusRecord | null>;
  forget(group: string): Promise<boolean>;
  committed(group: string): Promise<Offsets>;
  members(group: string): Promise<number>;
  /** Resolves when the bus answers, else rejects with UnavailableError. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
