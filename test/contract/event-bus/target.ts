import type { EventBus } from '../../../src/ports/event-bus.js';

export interface OpenBus {
  readonly bus: EventBus;
  /** Puts something on the bus that is no event, where others can write to it. */
  readonly putGarbage?: () => Promise<void>;
  stop(): Promise<void>;
}

/** A kind of bus: what the clauses are tried on. */
export interface EventBusTarget {
  /** A bus of its own for each clause: nothing published yet, at least two partitions. */
  open(): Promise<OpenBus>;
  /** Whether items stay on the bus after they are handled, for groups to come. */
  readonly retains: boolean;
  /** For how long a batch may fail on these buses before its consumer is not healthy: not long. */
  readonly unhealthyAfterMs: number;
  /** How long the slowest step may take, a rebalance or a redelivery. */
  readonly withinMs: number;
}
