import { randomUUID } from 'node:crypto';
import type { DeadLetters } from '../ports/dead-letters.js';
import { PortError } from '../ports/errors.js';
import type { EventBus, Offsets } from '../ports/event-bus.js';
import type { EventStore } from '../ports/event-store.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { createOutage } from '../platform/async/outage.js';
import { backoffMs, pause, type Backoff } from '../platform/async/retry.js';
import { sourceOf } from '../wire/log-identity.js';
import { createCheckpoints } from './checkpoint.js';
import { settledWithin } from '../platform/async/abort.js';
import { createRetryingPublisher } from './publish.js';
import { createLeaderLoop } from './leader-loop.js';
import { acquireLease } from './lease.js';
import {
  refuseAnotherLog,
  refuseAnotherTopic,
  resumePosition,
  type FlushedPosition,
} from './resume-position.js';
import { createBridgeStatus, type BridgeStatus } from './status.js';

export interface BridgeOptions {
  readonly eventStore: EventStore;
  readonly bus: Pick<EventBus, 'publisher' | 'ends' | 'sample'>;
  readonly deadLetters: DeadLetters;
  readonly logId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Two bridges of the same name are one, of which only one publishes. */
  readonly name?: string;
  /** Where the releases before kept the checkpoint. */
  readonly formerName?: string;
  /** For a bus that keeps nothing: what counts is how far the documents are. */
  readonly flushed?: FlushedPosition;
  readonly maxBatchBytes?: number;
  readonly maxBatchRecords?: number;
  readonly lingerMs?: number;
  readonly checkpointEveryEvents?: number;
  /** Also when there is nothing new: it is the sign of life that a standby listens for. */
  readonly checkpointEveryMs?: number;
  /** Silence after which a standby takes over; 0 where there can be no other bridge. */
  readonly takeOverAfterMs?: number;
  readonly standbyPollMs?: number;
  /** How long `stop` waits for what is being published. */
  readonly drainTimeoutMs?: number;
  readonly retry?: Backoff;
  readonly newId?: () => string;
  readonly now?: () => number;
  readonly monotonic?: () => number;
}

export interface Bridge {
  /**
   * Begins. Rejects with CORRUPT where the checkpoint cannot be trusted or the bus holds another log;
   * a server that cannot be reached is waited for in the background.
   */
  start(): Promise<void>;
  /** Publishes what it has read, within its deadline, and releases the lease. May be called twice. */
  stop(): Promise<void>;
  healthy(): boolean;
  status(): BridgeStatus;
}

/** Forwards the log to the bus: at least once, in order per anime, never a gap. */
export const createBridge = (options: BridgeOptions): Bridge => {
  const { eventStore, bus, deadLetters, logId, logger, metrics, flushed, name = 'main' } = options;
  const { formerName } = options;
  const { takeOverAfterMs = 10_000, drainTimeoutMs = 5_000, newId = randomUUID } = options;
  const { standbyPollMs = Math.min(1_000, Math.max(1, takeOverAfterMs / 10)) } = options;
  const { retry = { baseMs: 100, maxMs: 10_000 } } = options;
  const { now = Date.now, monotonic = () => performance.now() } = options;

  const holder = newId();
  const source = sourceOf(logId);
  const checkpoints = createCheckpoints({
    ...{ eventStore, name, logId, newId, backoff: retry },
    ...(formerName === undefined ? {} : { formerName }),
  });
  const status = createBridgeStatus({ now, monotonic });
  const delivery = createRetryingPublisher({
    ...{
      publisher: () => bus.publisher(),
      deadLetters,
      logger,
      metrics,
      retry,
      now,
      monotonic,
    },
    onAttempt: (error) => status.attempted('bus', error),
  });
  const lead = createLeaderLoop({
    ...{ eventStore, checkpoints, delivery, status, holder, logger, metrics },
    ...{ source, retry, monotonic, drainTimeoutMs },
    ...(flushed === undefined ? {} : { flushed }),
    maxBatchBytes: options.maxBatchBytes ?? 512 * 1024,
    maxBatchRecords: options.maxBatchRecords ?? 1_000,
    lingerMs: options.lingerMs ?? 0,
    checkpointEveryEvents: options.checkpointEveryEvents ?? 500,
    checkpointEveryMs: options.checkpointEveryMs ?? 3_000,
    staleAfterMs: takeOverAfterMs === 0 ? Infinity : takeOverAfterMs / 2,
  });
  const stopping = new AbortController();
  let running: Promise<void> | null = null;
  let failures = 0;
  const outage = createOutage({
    begun: 'The bridge begins again',
    ended: 'The bridge has begun again',
    ...{ logger, monotonic },
  });

  /** While another one publishes: whether that is to the same topic. */
  const watchTopic = async (published: Offsets): Promise<void> => {
    const problem = await refuseAnotherTopic(bus, published).then(
      () => null,
      (error: unknown) => error,
    );
    if (status.read().role === 'standby') status.attempted('bus', problem);
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      status.standsBy();
      const lease = await acquireLease(
        {
          ...{ checkpoints, holder, takeOverAfterMs, pollMs: standbyPollMs, logger, monotonic },
          onAttempt: (error) => status.attempted('log', error),
          onHeard: ({ offsets }) => void watchTopic(offsets),
        },
        stopping.signal,
      );
      if (lease === null) return;
      status.attempted('bus', null);
      await checkpoints.keepFew().catch((error: unknown) => {
        logger.warn('Old checkpoints are kept for now', { error });
      });
      const { reached } = lease;
      const from = await resumePosition({ reached, flushed, bus, source, logger });
      failures = 0;
      outage.over();
      await lead(lease, from, stopping.signal);
    }
  };

  const forever = async (): Promise<void> => {
    for (;;) {
      try {
        await run();
        return;
      } catch (error) {
        if (isFinal(error)) {
          status.refuses(error.message);
          logger.error('The bridge refuses to publish', { error });
          return;
        }
        status.attempted('log', error);
        outage.failed(error);
        await pause(backoffMs(failures, retry), stopping.signal);
        failures += 1;
      }
    }
  };

  const refuseWhatIsWrong = async (): Promise<void> => {
    const { checkpoint } = await checkpoints.read();
    // What was published to before has been looked at then.
    if ((checkpoint?.position ?? null) === null) await refuseAnotherLog(bus, source);
  };

  const end = async (): Promise<void> => {
    stopping.abort();
    await running;
    await settledWithin(delivery.close(), drainTimeoutMs);
    status.stops();
  };
  let ended: Promise<void> | null = null;

  return {
    async start() {
      if (running !== null) throw new TypeError('A bridge starts once.');
      await refuseWhatIsWrong().catch((error: unknown) => {
        if (!(error instanceof PortError) || !error.retriable) throw error;
      });
      running = forever();
    },
    stop: () => (ended ??= end()),
    healthy: () => status.healthy(),
    status: () => status.read(),
  };
};

/** What would only come again: somebody has to act. A bug is what the language throws, not a port. */
const isFinal = (error: unknown): error is Error =>
  error instanceof PortError ? FINAL.has(error.code) : BUGS.some((bug) => error instanceof bug);

const FINAL: ReadonlySet<string> = new Set(['CORRUPT', 'ACCESS_DENIED', 'NOT_SUPPORTED']);
const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError];
