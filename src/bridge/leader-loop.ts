import type { BusRecord, Offsets } from '../ports/event-bus.js';
import type { EventStore } from '../ports/event-store.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import type { Backoff } from '../platform/async/retry.js';
import { presenceOf, type EventPlace } from '../wire/presence.js';
import type { Checkpoints } from './checkpoint.js';
import { deadlineAfter, unlessAborted, unlessLate } from '../platform/async/abort.js';
import type { RetryingPublisher } from './publish.js';
import { followLog } from './subscription.js';
import { createCheckpointWriter, type CheckpointWriter } from './checkpoint-writer.js';
import type { Lease } from './lease.js';
import { createBatcher, type Entry } from './batcher.js';
import type { FlushedPosition, ResumePosition } from './resume-position.js';
import type { BridgeStatusTracker } from './status.js';

export interface LeaderLoopOptions {
  readonly eventStore: EventStore;
  readonly checkpoints: Checkpoints;
  readonly delivery: RetryingPublisher;
  readonly status: BridgeStatusTracker;
  readonly flushed?: FlushedPosition;
  readonly source: string;
  readonly holder: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  readonly lingerMs: number;
  readonly checkpointEveryEvents: number;
  readonly checkpointEveryMs: number;
  readonly staleAfterMs: number;
  readonly drainTimeoutMs: number;
  readonly retry: Backoff;
  readonly monotonic: () => number;
}

/** Publishes until another bridge takes over or `stopping` aborts, and then in an orderly way no more. */
export const createLeaderLoop = (options: LeaderLoopOptions) => {
  const { eventStore, checkpoints, delivery, status, flushed, source, holder } = options;
  const { logger, metrics, retry, monotonic, staleAfterMs, drainTimeoutMs } = options;

  const publish = async (
    checkpoint: CheckpointWriter,
    records: readonly BusRecord[],
    signal: AbortSignal,
  ): Promise<Offsets> => {
    await checkpoint.ensureFresh();
    return await delivery.deliver(records, signal);
  };

  const published = (
    checkpoint: CheckpointWriter,
    entries: readonly Entry[],
    offsets: Offsets,
  ): void => {
    const last = entries.at(-1);
    if (last === undefined) return;
    const events = entries.flatMap(({ record }) => (record === null ? [] : placeOf(record)));
    checkpoint.acknowledge(last.position, events, offsets);
    status.published(last.position);
    metrics.bridgeForwarded.inc(events.length);
  };

  return async (lease: Lease, from: ResumePosition, stopping: AbortSignal): Promise<void> => {
    const { after } = from;
    const fenced = new AbortController();
    const lost = new AbortController();
    const checkpoint = createCheckpointWriter({
      ...{ checkpoints, lease, from, holder, monotonic, logger, staleAfterMs },
      ...(flushed === undefined ? {} : { flushed }),
      everyEvents: options.checkpointEveryEvents,
      everyMs: options.checkpointEveryMs,
      isInLog: async (event) => (await presenceOf(eventStore, event)).kind !== 'lost',
      onFenced: () => fenced.abort(),
      onLost: () => lost.abort(),
    });
    const failed = new AbortController();
    const over = AbortSignal.any([stopping, fenced.signal, lost.signal, failed.signal]);
    const gaveUp = deadlineAfter(over, drainTimeoutMs);
    const noMore = AbortSignal.any([fenced.signal, gaveUp.signal]);
    const batcher = createBatcher({
      maxBytes: options.maxBatchBytes,
      maxRecords: options.maxBatchRecords,
      lingerMs: options.lingerMs,
      publish: (records) => unlessAborted(gaveUp.signal, publish(checkpoint, records, noMore)),
      onPublished: (entries, offsets) => published(checkpoint, entries, offsets),
    });
    status.leads(batcher);
    logger.info('The bridge publishes', {
      holder,
      after: after === 'start' ? after : after.commit,
    });
    const following = followLog({
      ...{ eventStore, source, after, retry, monotonic, logger, metrics, signal: over },
      add: (entry) => batcher.add(entry),
      onCaughtUp: () => status.caughtUp(),
      onAttempt: (error) => status.attempted('log', error),
    });
    following.catch(() => failed.abort());
    await following.catch(() => undefined);
    await batcher.drain();
    // A publisher that was given up in the middle of a batch must never overlap with its successor.
    if (gaveUp.signal.aborted) await unlessLate(delivery.close(), drainTimeoutMs);
    gaveUp.cancel();
    await checkpoint.stop(!fenced.signal.aborted, drainTimeoutMs);
    await following;
  };
};

const placeOf = ({ key, headers }: BusRecord): EventPlace => ({
  stream: key,
  revision: Number(headers['esdb-record-stream-revision']),
  id: headers['ce_id'] ?? '',
});
