import type { EachBatchPayload } from 'kafkajs';
import type { BatchHandler } from '../../ports/event-bus.js';
import type { Logger } from '../../platform/observability/logger.js';
import { pause, type Backoff } from '../../platform/async/retry.js';
import { startLane, type Lane } from './partition-worker.js';

/** What may be fetched by the consumer that is at work. */
export interface Fetching {
  hold(partition: number): void;
  release(partition: number): void;
  holdAll(): void;
}

export interface LanesOptions {
  readonly handler: BatchHandler;
  /** How long other partitions wait for a handler before it goes on beside them. */
  readonly patienceMs: number;
  readonly redelivery: Backoff;
  readonly logger: Logger;
  readonly monotonic: () => number;
}

/**
 * One lane for each partition with a batch in the handler. kafkajs fetches nothing more, joins no
 * rebalance and sends no heartbeat until it has every batch of a fetch back; so it gets a slow or
 * failing one back unfinished, with its partition held, and the lane goes on beside it.
 */
export const createLanes = (options: LanesOptions) => {
  const { patienceMs, monotonic } = options;
  const lanes = new Map<number, Lane>();
  /** Since when the batch of a partition keeps failing. */
  const failing = new Map<number, number>();
  const leaving = new AbortController();
  const isLeaving = () => leaving.signal.aborted;
  let fetching: Fetching | null = null;

  const follow = async (partition: number, lane: Lane): Promise<void> => {
    await lane.done;
    lanes.delete(partition);
    if (!isLeaving()) fetching?.release(partition);
  };

  const take = async (payload: EachBatchPayload): Promise<void> => {
    const { batch } = payload;
    if (isLeaving()) return;
    if (lanes.has(batch.partition)) return fetching?.hold(batch.partition);
    const lane = startLane({
      ...{ ...options, payload, leaving: leaving.signal },
      onFailed: () => {
        if (!failing.has(batch.partition)) failing.set(batch.partition, monotonic());
      },
      onHandled: () => failing.delete(batch.partition),
    });
    lanes.set(batch.partition, lane);
    const followed = follow(batch.partition, lane);
    const patient = new AbortController();
    await Promise.race([followed, lane.passed, pause(patienceMs, patient.signal)]);
    patient.abort();
    if (isLeaving()) return;
    if (lanes.get(batch.partition) === lane) fetching?.hold(batch.partition);
    payload.resolveOffset(batch.lastOffset());
  };

  return {
    /** Takes one batch of kafkajs; when it resolves the batch counts as read, not as handled. */
    take,

    /** After each time that the group was shared out, before anything is fetched. */
    assigned(partitions: readonly number[], by: Fetching): void {
      fetching = by;
      for (const [partition, lane] of lanes) {
        if (!partitions.includes(partition)) lane.takeAway();
      }
      for (const partition of failing.keys()) {
        if (!partitions.includes(partition)) failing.delete(partition);
      }
      for (const partition of partitions) {
        if (lanes.has(partition)) by.hold(partition);
        else by.release(partition);
      }
      if (isLeaving()) by.holdAll();
    },

    /** Whether a batch has been failing for so long. */
    failFor(ms: number): boolean {
      const now = monotonic();
      return [...failing.values()].some((since) => now - since >= ms);
    },

    /** The membership is lost, and every partition with it. */
    interrupt(): void {
      fetching = null;
      for (const lane of lanes.values()) lane.takeAway();
    },

    /** Waits for the handlers, tells those that are late to leave, and waits a last time. */
    async stop(timeoutMs: number): Promise<void> {
      leaving.abort();
      fetching?.holdAll();
      const idle = Promise.all([...lanes.values()].map(({ done }) => done));
      const timer = new AbortController();
      await Promise.race([idle, pause(timeoutMs, timer.signal)]);
      for (const lane of lanes.values()) lane.takeAway();
      await Promise.race([idle, pause(timeoutMs, timer.signal)]);
      timer.abort();
    },
  };
};

export type Lanes = ReturnType<typeof createLanes>;
