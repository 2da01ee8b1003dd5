import type { BatchHandler, DeliveredRecord } from '../../../ports/event-bus.js';
import type { Logger } from '../../../platform/observability/logger.js';
import { backoffMs, pause, type Backoff } from '../../../platform/async/retry.js';

/** One call of `publish`: how many deliveries it still waits for. */
export interface PublishTicket {
  left: number;
  readonly handled: () => void;
  readonly abandoned: () => void;
}

export interface Item {
  readonly record: DeliveredRecord;
  readonly ticket: PublishTicket;
}

export interface Member {
  readonly start: (handler: BatchHandler) => void;
  readonly stop: () => Promise<void>;
  readonly healthy: () => boolean;
}

/** The records of one partition that one group has still to handle. */
interface PartitionQueue {
  readonly partition: number;
  readonly waiting: Item[];
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

export interface GroupOptions {
  readonly name: string;
  readonly logger: Logger;
  readonly partitions: number;
  readonly maxBatch: number;
  readonly redelivery: Backoff;
  readonly unhealthyAfterMs: number;
}

export type Group = ReturnType<typeof createGroup>;

/** The members that share a group's records: a partition belongs to one of them at a time. */
export const createGroup = (options: GroupOptions) => {
  const { name, logger, partitions, maxBatch, redelivery, unhealthyAfterMs } = options;
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

  /** Handles what waits on one partition, batch after batch, as long as somebody is there. */
  const drain = async (queue: PartitionQueue): Promise<void> => {
    queue.running = true;
    for (let attempt = 0; queue.waiting.length > 0;) {
      const member = memberOf(queue);
      if (member === undefined) break;
      const batch = queue.waiting.slice(0, maxBatch);
      const done = deliver(member, queue, batch);
      member.running.add(done);
      try {
        await done;
        attempt = 0;
        queue.failingSince = null;
        queue.waiting.splice(0, batch.length);
        for (const { ticket } of batch) {
          ticket.left -= 1;
          if (ticket.left === 0) ticket.handled();
        }
      } catch (error) {
        const ms = backoffMs(attempt, redelivery);
        attempt += 1;
        if (!member.leaving.signal.aborted) queue.failingSince ??= performance.now();
        const first = batch[0]?.record.offset;
        const place = { group: name, partition: queue.partition, offset: first, attempt };
        logger.warn('A batch is delivered again', { ...place, error });
        await pause(ms, member.leaving.signal);
      } finally {
        member.running.delete(done);
      }
    }
    queue.running = false;
  };

  const member = (stopTimeoutMs: number): Member => {
    let me: ActiveMember | undefined;
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> => (stopped ??= leave());
    const leave = async (): Promise<void> => {
      stops.delete(stop);
      if (me === undefined) return;
      // Whoever takes its partitions over is judged by what comes of them then.
      for (const queue of queues) if (memberOf(queue) === me) queue.failingSince = null;
      active.splice(active.indexOf(me), 1);
      me.leaving.abort();
      const idle = Promise.allSettled(me.running);
      const timer = new AbortController();
      await Promise.race([idle, pause(stopTimeoutMs, timer.signal)]);
      me.evicted.abort();
      // An evicted handler that does not leave is not waited for: its batch is not handled.
      await Promise.race([idle, pause(stopTimeoutMs, timer.signal)]);
      timer.abort();
      wake();
    };
    return {
      start(handler) {
        if (me !== undefined) throw new TypeError('A consumer starts once.');
        const signals = { leaving: new AbortController(), evicted: new AbortController() };
        me = { handler, ...signals, running: new Set() };
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
    put: (partition: number, item: Item) => void queues[partition]?.waiting.push(item),
    stop: async () => {
      await Promise.all([...stops].map((stop) => stop()));
    },
  };
};

const deliver = async (
  { handler, evicted }: ActiveMember,
  { partition, waiting: queued }: PartitionQueue,
  batch: readonly Item[],
): Promise<void> => {
  const records = batch.map(({ record }) => record);
  const waiting = queued.length - batch.length;
  const heartbeat = () => Promise.resolve();
  await handler({ partition, records, waiting, heartbeat, signal: evicted.signal });
};
