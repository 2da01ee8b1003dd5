import type { EventBus } from '../../../src/ports/event-bus.js';

export interface OpenBus {
  readonly bus: EventBus;
  /** Puts something on the bus that is no event, where others can write to it. */
  readonly putGarbage?: () => Promise<void>;
  stop(): Promise<void>;
}

/** A kind of bus that the contract is tested on. */
export interface EventBusTarget {
  /** A new bus for each clause: nothing published yet, at least two partitions. */
  open(): Promise<OpenBus>;
  /** Whether items stay on the bus after they are handled, for groups to come. */
  readonly retains: boolean;
  /** How long a batch may fail before its consumer is unhealthy; short on these buses. */
  readonly unhealthyAfterMs: number;
  /** The longest time that the slowest step, a rebalance or a redelivery, may take. */
  readonly withinMs: number;
}
