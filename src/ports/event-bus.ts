import type { RecordedEvent } from './event-store.js';

/** An offset for each partition by its number. */
export type Offsets = ReadonlyMap<number, bigint>;

interface Delivered {
  /** The identity of the log that the item comes from; null where the item does not say. */
  readonly logId: string | null;
  readonly partition: number;
  /** Counts from 0 in each partition. */
  readonly offset: bigint;
}

export interface EventItem extends Delivered {
  readonly kind: 'event';
  readonly event: RecordedEvent;
}

/** What cannot be read as an event, a marker among them, and what is known of its place in the log. */
export interface UnreadableItem extends Delivered {
  readonly kind: 'unreadable';
  readonly reason: string;
  readonly stream: string | null;
  readonly revision: bigint | null;
  /** The value as it came. */
  readonly value: Uint8Array | null;
}

export type BusItem = EventItem | UnreadableItem;

export interface BusBatch {
  readonly partition: number;
  readonly items: readonly BusItem[];
  /** How many items of the partition wait behind this batch, as far as the bus knows. */
  readonly waiting: number;
  /** Tells the group that the handler is alive; call it between long steps. */
  heartbeat(): Promise<void>;
  /** Aborted when the partition is taken away or the consumer stops: leave at once. */
  readonly signal: AbortSignal;
}

/** Resolves when the batch is handled for good; its offsets are committed only then. */
export type BatchHandler = (batch: BusBatch) => Promise<void>;

export interface BusPublisher {
  /** Returns the last offset of each partition that was written to; none where the bus keeps nothing. */
  publish(events: readonly RecordedEvent[]): Promise<Offsets>;
  /** Publishes that there is an event that is too large for the bus, without its data. */
  publishMarker(event: RecordedEvent): Promise<Offsets>;
  close(): Promise<void>;
}

export interface BusConsumer {
  /** Begins to deliver. Resolves when the consumer is a member of its group. */
  start(handler: BatchHandler): Promise<void>;
  /** Waits for the running handlers, up to the adapter's deadline. */
  stop(): Promise<void>;
  /** False after a crash that it cannot recover from, and while a batch keeps failing. */
  healthy(): boolean;
}

/**
 * The ordered way of events from the log to the read models. At least once, in order per stream.
 *
 * - EB-1 Events of one stream arrive in the order in which they were published, always on one
 *        partition, with all that the log recorded of them but `position.prepare` and the metadata,
 *        of which a bus may keep the `traceparent` alone. Each item names the log of its publisher.
 * - EB-2 `publish` resolves only when the events are safe: replicated by the broker, or handled
 *        where the bus keeps nothing. It rejects with UnavailableError or TooLargeError; then any
 *        of them may or may not arrive, and publishing them again is right.
 * - EB-3 A batch whose handler throws is delivered again, from its first item, after a pause;
 *        later items of that partition wait, other partitions go on.
 * - EB-4 A new group starts at the first item that the bus keeps. Every group gets every item.
 * - EB-5 Batches of one partition are handled one at a time.
 * - EB-6 A slow handler holds publishing or fetching back: memory does not grow.
 * - EB-7 `stop` waits for the running handler; what was not handled is delivered to the next member
 *        of the group. `stop` and `close` may be called twice.
 * - EB-8 `ends` returns, for every partition, the offset after its last item, and sees every
 *        resolved `publish`; null where the bus keeps nothing.
 * - EB-9 `sample` returns one of the items that the bus keeps, or null where it keeps none: any of
 *        them tells which log was published.
 * - EB-10 `forget` drops what a group has committed, so that it starts at the first item again, and
 *        returns true; a group with members is left as it is, and `forget` returns false.
 * - EB-11 A consumer is not healthy while one of its batches keeps failing, and is again once the
 *        batch passes.
 * - EB-12 `committed` returns the offset after the last item that a group has handled, for each
 *        partition where it has handled any; nothing for an unknown group or where the bus keeps
 *        nothing.
 * - EB-13 `members` returns how many members a group has. A crashed member counts until its session
 *        times out.
 * - EB-14 A marker is delivered in the place of its event: unreadable, with the reason `too-large`,
 *        stream and revision, and no value.
 * - EB-15 An item that cannot be read as an event is delivered as unreadable with a reason, in its
 *        place, and holds nothing up. What the event's data mean is for the consumer to find out.
 */
export interface EventBus {
  /** For the events of one log. */
  publisher(logId: string): Promise<BusPublisher>;
  consumer(group: string): BusConsumer;
  ends(): Promise<Offsets | null>;
  sample(): Promise<BusItem | null>;
  forget(group: string): Promise<boolean>;
  committed(group: string): Promise<Offsets>;
  members(group: string): Promise<number>;
  /** Resolves when the bus answers, else rejects with UnavailableError. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
