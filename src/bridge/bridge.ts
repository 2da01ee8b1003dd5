import { randomUUID } from 'node:crypto';
import type { DeadLetters } from '../ports/dead-letters.js';
import { isRetriable, messageOf } from '../ports/errors.js';
import type { EventBus, Offsets } from '../ports/event-bus.js';
import type { EventStore } from '../ports/event-store.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { createOutage } from '../platform/async/outage.js';
import { backoffMs, pause, type Backoff } from '../platform/async/retry.js';
import { settledWithin } from '../platform/async/abort.js';
import {
  createCheckpoints,
  type FlushedPosition,
  refuseAnotherLog,
  refuseAnotherTopic,
  resumePosition,
} from './checkpoint.js';
import { createLeaderLoop } from './leader-loop.js';
import { acquireLease, type Lease } from './lease.js';
import { createRetryingPublisher, type BusDestination } from './publish.js';
import { createBridgeStatus, type BridgeStatus } from './status.js';

export interface BridgeOptions {
  readonly eventStore: EventStore;
  readonly bus: Pick<EventBus, 'publisher' | 'ends' | 'sample'>;
  /** Default: the in-process bus. */
  readonly destination?: BusDestination;
  readonly deadLetters: DeadLetters;
  readonly logId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Of all bridges with this name, one publishes and the others stand by. */
  readonly name?: string;
  /** The name in earlier releases. */
  readonly formerName?: string;
  /** For a bus that keeps no records: the position of the documents. */
  readonly flushed?: FlushedPosition;
  readonly maxBatchBytes?: number;
  readonly maxBatchEvents?: number;
  readonly checkpointEveryEvents?: number;
  /** Written even without new events: it is the heartbeat that standbys watch. */
  readonly checkpointEveryMs?: number;
  /** Silence after which a standby takes over; 0 where there can be no other bridge. */
  readonly takeOverAfterMs?: number;
  readonly standbyPollMs?: number;
  /** How long `stop` waits for what is being published. */
  readonly drainTimeoutMs?: number;
  readonly backoff?: Backoff;
  readonly now?: () => number;
  readonly monotonic?: () => number;
}

export interface Bridge {
  /**
   * Rejects if a retry cannot help: with CORRUPT if the checkpoint is unreadable or the bus holds
   * another log. An unreachable server is retried in the background.
   */
  start(): Promise<void>;
  /** Publishes what it has read, within its deadline, and releases the lease. May be called twice. */
  stop(): Promise<void>;
  status(): BridgeStatus;
}

/** Forwards the log to the bus: at least once, in order per anime, never a gap. */
export const createBridge = (options: BridgeOptions): Bridge => {
  const { eventStore, bus, deadLetters, logId, logger, metrics, flushed } = options;
  const { takeOverAfterMs = 10_000, drainTimeoutMs = 5_000 } = options;
  const { standbyPollMs = Math.min(1_000, Math.max(1, takeOverAfterMs / 10)) } = options;
  const { backoff = { baseMs: 100, maxMs: 10_000 } } = options;
  const { now = Date.now, monotonic = () => performance.now() } = options;

  const owner = randomUUID();
  const checkpoints = createCheckpoints({
    eventStore,
    name: options.name ?? 'main',
    formerName: options.formerName,
    logId,
    backoff,
  });
  const status = createBridgeStatus({ now, monotonic });
  const publisher = createRetryingPublisher({
    publisher: () => bus.publisher(logId),
    destination: options.destination ?? { system: 'in_process', name: 'bus' },
    deadLetters,
    logger,
    metrics,
    backoff,
    now,
    monotonic,
    onAttempt: (error) => status.attempted('bus', error),
  });
  const lead = createLeaderLoop({
    eventStore,
    checkpoints,
    publisher,
    status,
    flushed,
    owner,
    logger,
    metrics,
    maxBatchBytes: options.maxBatchBytes ?? 512 * 1024,
    maxBatchEvents: options.maxBatchEvents ?? 1_000,
    checkpointEveryEvents: options.checkpointEveryEvents ?? 500,
    checkpointEveryMs: options.checkpointEveryMs ?? 3_000,
    staleAfterMs: takeOverAfterMs === 0 ? Infinity : takeOverAfterMs / 2,
    drainTimeoutMs,
    monotonic,
  });
  const stopping = new AbortController();
  const outage = createOutage({
    begun: 'The bridge failed; restarting',
    ended: 'The bridge has restarted',
    logger,
    monotonic,
  });
  let failures = 0;
  let running: Promise<void> | null = null;
  let stopped: Promise<void> | null = null;

  const acquire = (): Promise<Lease | null> =>
    acquireLease(
      {
        checkpoints,
        owner,
        takeOverAfterMs,
        pollMs: standbyPollMs,
        logger,
        monotonic,
        onAttempt: (error) => status.attempted('log', error),
        onCheckpoint: (checkpoint) => {
          status.sawOwner(checkpoint.owner, checkpoint.position);
          void watchTopic(checkpoint.offsets);
        },
      },
      stopping.signal,
    );

  /** While another bridge publishes: checks that it publishes to the same topic. */
  const watchTopic = async (published: Offsets): Promise<void> => {
    const problem = await refuseAnotherTopic(bus, published).then(
      () => null,
      (error: unknown) => error,
    );
    if (status.read().role === 'standby') status.attempted('bus', problem);
  };

  /** Stands by, leads, and stands by again once another bridge has taken over. */
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      status.standsBy();
      const lease = await acquire();
      if (lease === null) return;
      status.attempted('bus', null);
      await checkpoints.limitHistory().catch((error: unknown) => {
        logger.warn('Could not drop old checkpoints', { error });
      });
      const { progress } = lease;
      const from = await resumePosition({ progress, flushed, bus, logId, logger });
      failures = 0;
      outage.over();
      await lead(lease, from, stopping.signal);
    }
  };

  const runUntilStopped = async (): Promise<void> => {
    for (;;) {
      try {
        await run();
        return;
      } catch (error) {
        if (!isRetriable(error)) {
          status.refuses(messageOf(error));
          logger.error('The bridge refuses to publish', { error });
          return;
        }
        status.attempted('log', error);
        outage.failed(error);
        await pause(backoffMs(failures, backoff), stopping.signal);
        failures += 1;
      }
    }
  };

  const refuseWrongServers = async (): Promise<void> => {
    const { checkpoint } = await checkpoints.read();
    // With a checkpoint, the bus was checked before the first publish.
    if ((checkpoint?.position ?? null) === null) await refuseAnotherLog(bus, logId);
  };

  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
    await settledWithin(publisher.close(), drainTimeoutMs);
    status.stops();
  };

  return {
    async start() {
      if (running !== null) throw new TypeError('A bridge starts once.');
      await refuseWrongServers().catch((error: unknown) => {
        if (!isRetriable(error)) throw error;
      });
      running = runUntilStopped();
    },
    stop: () => (stopped ??= stop()),
    status: () => status.read(),
  };
};
