import type { BatchHandler, BusConsumer } from '../../ports/event-bus.js';
import type { Logger } from '../../platform/observability/logger.js';
import { backoffMs, pause, type Backoff } from '../../platform/async/retry.js';
import type { Connect } from './client.js';
import { gone, isHopeless } from './errors.js';
import { createPartitionWorkers, type PartitionWorkers } from './partition-workers.js';
import { joinGroup, type GroupTimings, type Member } from './member.js';

export interface ConsumerOptions extends GroupTimings {
  readonly connect: Connect;
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  readonly patienceMs: number;
  readonly redelivery: Backoff;
  /** Pause before a crashed consumer is made again. */
  readonly revival: Backoff;
  readonly stopTimeoutMs: number;
  /** A batch that has failed for so long is no passing trouble. */
  readonly unhealthyAfterMs: number;
  readonly logger: Logger;
}

/** A member of its group for as long as it is wanted, whatever happens to its memberships. */
export const createConsumer = (options: ConsumerOptions): BusConsumer => {
  const { connect, revival, stopTimeoutMs, unhealthyAfterMs } = options;
  const logger = options.logger.child({ group: options.group });
  const leaving = new AbortController();
  const isLeaving = () => leaving.signal.aborted;
  let workers: PartitionWorkers | undefined;
  let member: Member | undefined;
  let keeping: Promise<void> | undefined;
  let healthy = false;
  let stopped: Promise<void> | undefined;

  const join = async (into: PartitionWorkers): Promise<Member> => {
    if (isLeaving()) throw gone();
    return joinGroup({ ...options, client: connect(), workers: into, signal: leaving.signal });
  };

  const joinAgain = async (
    into: PartitionWorkers,
    attempts: number,
  ): Promise<Member | undefined> => {
    for (let attempt = attempts; ; attempt += 1) {
      await pause(backoffMs(attempt, revival), leaving.signal);
      if (isLeaving()) return undefined;
      try {
        return await join(into);
      } catch (error) {
        if (!isLeaving()) logger.warn('The group cannot be joined yet', { error });
      }
    }
  };

  const keep = async (into: PartitionWorkers): Promise<void> => {
    const left = new Promise<null>((resolve) => {
      leaving.signal.addEventListener('abort', () => resolve(null), { once: true });
    });
    for (let crashes = 0; member !== undefined; crashes += 1) {
      const error = await Promise.race([left, member.crashed]);
      if (error === null) return;
      healthy = false;
      into.interrupt();
      await member.leave();
      if (isHopeless(error)) {
        logger.error('The topic holds what this consumer cannot read', { error });
        return;
      }
      logger.warn('The consumer crashed and is made again', { crashes, error });
      const revived = (member = await joinAgain(into, crashes));
      void revived?.fetched.then(() => {
        if (revived !== member || isLeaving()) return;
        healthy = true;
        crashes = 0;
      });
    }
  };

  const stop = async (): Promise<void> => {
    healthy = false;
    leaving.abort();
    await workers?.stop(stopTimeoutMs);
    await keeping;
    await member?.leave();
  };

  return {
    async start(handler: BatchHandler) {
      if (workers !== undefined) throw new TypeError('A consumer starts once.');
      const monotonic = () => performance.now();
      const made = (workers = createPartitionWorkers({ ...options, handler, logger, monotonic }));
      try {
        member = await join(made);
      } catch (error) {
        // It may be started again when the brokers are back.
        workers = undefined;
        throw error;
      }
      if (isLeaving()) {
        await member.leave();
        throw gone();
      }
      healthy = true;
      keeping = keep(made);
    },
    stop: () => (stopped ??= stop()),
    healthy: () => healthy && workers?.failFor(unhealthyAfterMs) !== true,
  };
};
