import { ANIME_STREAM_PREFIX } from '../domain/stream-name.js';
import { deadlineAfter, unlessAborted, settledWithin } from '../platform/async/abort.js';
import { createOutage } from '../platform/async/outage.js';
import { type Backoff, backoffMs, pause } from '../platform/async/retry.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { PortError, UnavailableError } from '../ports/errors.js';
import type { BusRecord, Offsets } from '../ports/event-bus.js';
import type { DropReason, EventStore, Position, SubscriptionItem } from '../ports/event-store.js';
import { toRecord } from '../wire/envelope.js';
import { type EventPlace, presenceOf } from '../wire/presence.js';
import { createBatcher, type Entry } from './batcher.js';
import { type CheckpointWriter, createCheckpointWriter } from './checkpoint-writer.js';
import type { Checkpoints } from './checkpoint.js';
import type { Lease } from './lease.js';
import type { RetryingPublisher } from './publish.js';
import type { FlushedPosition, ResumePosition } from './resume-position.js';
import type { BridgeStatusTracker } from './status.js';

interface FollowOptions {
  readonly eventStore: EventStore;
  /** The CloudEvents source of the log. */
  readonly source: string;
  readonly after: Position | 'start';
  readonly signal: AbortSignal;
  readonly retry: Backoff;
  readonly monotonic: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Takes one entry after the other, and holds the log back by taking its time. */
  readonly add: (entry: Entry) => Promise<void>;
  readonly onCaughtUp: () => void;
  /** Told when the log is followed again (null), or why it is not. */
  readonly onAttempt: (error: unknown) => void;
}

/**
 * Follows the log from a position on until the signal aborts. An end of a subscription that was
 * not asked for is a drop, whether the store resumes it or it is followed again here, after the last
 * entry that was taken. Rejects with what no repetition mends: a refusal for good, or a bug.
 */
const followLog = async (options: FollowOptions): Promise<void> => {
  const { eventStore, signal, retry, logger, metrics, monotonic, onAttempt } = options;
  const outage = createOutage({
    begun: 'The log is no longer followed and will be again',
    ended: 'The log is followed again',
    ...{ logger, monotonic },
  });
  let after = options.after;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const onDrop = (reason: DropReason) => metrics.bridgeDrops.inc({ reason });
    const subscription = { after, streamPrefix: ANIME_STREAM_PREFIX, signal, onDrop };
    let failure: PortError | null = null;
    try {
      for await (const delivery of eventStore.subscribeToAll(subscription)) {
        onAttempt(null);
        outage.over();
        attempt = 0;
        after = (await take(delivery, options)) ?? after;
      }
    } catch (error) {
      if (isOver(signal)) return;
      if (!(error instanceof PortError && error.retriable)) throw error;
      failure = error;
    }
    if (isOver(signal)) return;
    onDrop(failure === null ? 'ended' : 'unavailable');
    const why = failure ?? new UnavailableError('The subscription ended.');
    onAttempt(why);
    outage.failed(why);
    await pause(backoffMs(attempt, retry), signal);
  }
};

/** Answers how far the log is taken now. */
const take = async (
  delivery: SubscriptionItem,
  { source, add, onCaughtUp }: FollowOptions,
): Promise<Position | null> => {
  if (delivery.kind === 'caught-up') {
    onCaughtUp();
    return null;
  }
  if (delivery.kind === 'checkpoint') {
    await add({ record: null, position: delivery.position, recordedAt: 0 });
    return delivery.position;
  }
  const { event } = delivery;
  // Types that begin so belong to the event store itself, and mean nothing to anybody else.
  const record = event.type.startsWith('$') ? null : toRecord(event, source);
  await add({ record, position: event.position, recordedAt: event.recordedAt });
  return event.position;
};

/** A signal may have been aborted meanwhile, whatever was seen of it before. */
const isOver = (signal: AbortSignal): boolean => signal.aborted;

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
    if (gaveUp.signal.aborted) await settledWithin(delivery.close(), drainTimeoutMs);
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
