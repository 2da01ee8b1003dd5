import type { BatchHandler, BusItem } from '../../../ports/event-bus.js';
import type { Logger } from '../../../platform/observability/logger.js';
import { settledWithin } from '../../../platform/async/abort.js';
import { backoffMs, pause, type Backoff } from '../../../platform/async/retry.js';

/** One call of `publish`: how many deliveries it still waits for. */
export interface PendingPublish {
  left: number;
  readonly handled: () => void;
  readonly abandoned: () => void;
}

interface QueuedItem {
  readonly item: BusItem;
  readonly publish: PendingPublish;
}

interface GroupMember {
  readonly start: (handler: BatchHandler) => void;
  readonly stop: () => Promise<void>;
  readonly healthy: () => boolean;
}

/** The items of one partition that one group has still to handle. */
interface PartitionQueue {
  readonly partition: number;
  readonly waiting: QueuedItem[];
  running: boolean;
  /** Since when its first batch keeps failing. */
  failingSince: number | null;
}

interface ActiveMember {
  readonly handler: BatchHandler;
  /** No new batches. */
  readonly leaving: AbortController;
  /** What the handler sees: leave at once. */
  readonly evicted: AbortController;
  readonly running: Set<Promise<void>>;
}

export interface ConsumerGroupOptions {
  readonly name: string;
  readonly logger: Logger;
  readonly partitions: number;
  readonly redelivery: Backoff;
  readonly unhealthyAfterMs: number;
}

/** The members that share a group's items: a partition belongs to one of them at a time. */
export interface ConsumerGroup {
  readonly member: () => GroupMember;
  /** Whether it ever had a member; until then nothing is published to it. */
  readonly hasStarted: () => boolean;
  readonly members: () => number;
  readonly put: (queued: QueuedItem) => void;
  /** Delivers what was put. */
  readonly wake: () => void;
  readonly stop: () => Promise<void>;
}

/** The maximum number of items in a batch. */
const MAX_BATCH = 1_000;
/** How long `stop` waits for a running handler before it aborts its signal. */
const STOP_TIMEOUT_MS = 10_000;

export const createConsumerGroup = (options: ConsumerGroupOptions): ConsumerGroup => {
  const { name, logger, partitions, redelivery, unhealthyAfterMs } = options;
  const queues = Array.from({ length: partitions }, (_, partition): PartitionQueue => ({
    partition,
    waiting: [],
    running: false,
    failingSince: null,
  }));
  const active: ActiveMember[] = [];
  const stops = new Set<() => Promise<void>>();
  let started = false;

  const wake = (): void => {
    for (const queue of queues) {
      if (!queue.running && queue.waiting.length > 0) void drain(queue);
    }
  };

  const memberOf = ({ partition }: PartitionQueue) => active[partition % active.length];

  const isStuck = ({ failingSince }: PartitionQueue): boolean =>
    failingSince !== null && performance.now() - failingSince >= unhealthyAfterMs;

  /** Handles the waiting items of a partition, batch by batch, while the group has a member. */
  const drain = async (queue: PartitionQueue): Promise<void> => {
    queue.running = true;
    for (let attempt = 0; queue.waiting.length > 0;) {
      const member = memberOf(queue);
      if (member === undefined) break;
      const batch = queue.waiting.slice(0, MAX_BATCH);
      const done = deliver(member, queue, batch);
      member.running.add(done);
      try {
        await done;
        attempt = 0;
        queue.failingSince = null;
        queue.waiting.splice(0, batch.length);
        for (const { publish } of batch) {
          publish.left -= 1;
          if (publish.left === 0) publish.handled();
        }
      } catch (error) {
        const ms = backoffMs(attempt, redelivery);
        attempt += 1;
        if (!member.leaving.signal.aborted) queue.failingSince ??= performance.now();
        logger.warn('Redelivering a batch', {
          group: name,
          partition: queue.partition,
          offset: batch[0]?.item.offset,
          attempt,
          error,
        });
        await pause(ms, member.leaving.signal);
      } finally {
        member.running.delete(done);
      }
    }
    queue.running = false;
  };

  const member = (): GroupMember => {
    let me: ActiveMember | undefined;
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> => (stopped ??= leave());
    const leave = async (): Promise<void> => {
      stops.delete(stop);
      if (me === undefined) return;
      // The member that takes a partition over starts with a clean record.
      for (const queue of queues) if (memberOf(queue) === me) queue.failingSince = null;
      active.splice(active.indexOf(me), 1);
      me.leaving.abort();
      const idle = Promise.allSettled(me.running);
      const isIdle = await settledWithin(idle, STOP_TIMEOUT_MS);
      me.evicted.abort();
      // The batch of a handler that ignores its signal counts as not handled.
      if (!isIdle) await settledWithin(idle, STOP_TIMEOUT_MS);
      wake();
    };
    return {
      start(handler) {
        if (me !== undefined) throw new TypeError('A consumer starts once.');
        const [leaving, evicted] = [new AbortController(), new AbortController()];
        me = { handler, leaving, evicted, running: new Set() };
        active.push(me);
        stops.add(stop);
        started = true;
        wake();
      },
      stop,
      healthy: () =>
        me !== undefined &&
        stopped === undefined &&
        !queues.some((queue) => memberOf(queue) === me && isStuck(queue)),
    };
  };

  return {
    member,
    wake,
    hasStarted: () => started,
    members: () => active.length,
    put: (queued) => void queues[queued.item.partition]?.waiting.push(queued),
    stop: async () => {
      await Promise.all([...stops].map((stop) => stop()));
    },
  };
};

const deliver = async (
  { handler, evicted }: ActiveMember,
  { partition, waiting: queued }: PartitionQueue,
  batch: readonly QueuedItem[],
): Promise<void> => {
  const items = batch.map(({ item }) => item);
  const waiting = queued.length - batch.length;
  const heartbeat = () => Promise.resolve();
  await handler({ partition, items, waiting, heartbeat, signal: evicted.signal });
};
