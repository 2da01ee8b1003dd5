import { ANIME_STREAM_PREFIX } from '../domain/ids.js';
import { deadlineAfter, settledWithin, unlessAborted } from '../platform/async/abort.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { UnavailableError } from '../ports/errors.js';
import type { Offsets } from '../ports/event-bus.js';
import type { DropReason, EventStore, Position, RecordedEvent } from '../ports/event-store.js';
import { type EventPlace, presenceOf } from '../wire/presence.js';
import {
  type EventToPublish,
  type Batcher,
  createBatcher,
  eventsOfBatch,
  type RetryingPublisher,
} from './publish.js';
import { type CheckpointWriter, createCheckpointWriter } from './checkpoint-writer.js';
import type { Checkpoints, FlushedPosition, ResumePosition } from './checkpoint.js';
import type { Lease } from './lease.js';
import type { BridgeStatusTracker } from './status.js';

export interface LeaderLoopOptions {
  readonly eventStore: EventStore;
  readonly checkpoints: Checkpoints;
  readonly publisher: RetryingPublisher;
  readonly status: BridgeStatusTracker;
  readonly flushed: FlushedPosition | undefined;
  readonly owner: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly maxBatchBytes: number;
  readonly maxBatchEvents: number;
  readonly checkpointEveryEvents: number;
  readonly checkpointEveryMs: number;
  readonly staleAfterMs: number;
  readonly drainTimeoutMs: number;
  readonly monotonic: () => number;
}

/**
 * Publishes until another bridge takes over, everything must be published again, or `stopping`
 * aborts; then stops cleanly. Rejects with errors that are not retriable, after the same clean stop.
 */
export type LeaderLoop = (
  lease: Lease,
  from: ResumePosition,
  stopping: AbortSignal,
) => Promise<void>;

export const createLeaderLoop = (options: LeaderLoopOptions): LeaderLoop => {
  const { eventStore, publisher, status, owner, logger, metrics, drainTimeoutMs } = options;

  return async (lease, from, stopping) => {
    const fenced = new AbortController();
    const lost = new AbortController();
    const failed = new AbortController();
    const over = AbortSignal.any([stopping, fenced.signal, lost.signal, failed.signal]);
    const gaveUp = deadlineAfter(over, drainTimeoutMs);
    const fail = (error: unknown): void => {
      // Errors during the stop come from aborted work.
      if (!over.aborted) failed.abort(error);
    };
    const checkpoint = createCheckpointWriter({
      checkpoints: options.checkpoints,
      lease,
      from,
      owner,
      flushed: options.flushed,
      everyEvents: options.checkpointEveryEvents,
      everyMs: options.checkpointEveryMs,
      staleAfterMs: options.staleAfterMs,
      isInLog: async (event) => (await presenceOf(eventStore, event)).kind !== 'lost',
      monotonic: options.monotonic,
      logger,
      onFenced: () => fenced.abort(),
      onLost: () => lost.abort(),
      onFailed: fail,
    });
    const canPublish = AbortSignal.any([fenced.signal, gaveUp.signal]);
    const publish = async (events: readonly RecordedEvent[]): Promise<Offsets> => {
      await checkpoint.ensureFresh();
      return await publisher.publish(events, canPublish);
    };
    const batcher = createBatcher({
      maxBytes: options.maxBatchBytes,
      maxEvents: options.maxBatchEvents,
      publish: (events) => unlessAborted(gaveUp.signal, publish(events)),
      onPublished: (entries, offsets) => acknowledge(checkpoint, entries, offsets),
      onFailed: fail,
    });
    status.leads(batcher, owner);
    if (from.after !== 'start') status.published(from.after);
    logger.info('The bridge publishes', {
      owner,
      after: from.after === 'start' ? from.after : from.after.commit,
    });

    await follow(from.after, batcher, over).catch(fail);
    await batcher.drain();
    // A publisher abandoned in the middle of a batch must not overlap with its successor.
    if (gaveUp.signal.aborted) await settledWithin(publisher.close(), drainTimeoutMs);
    gaveUp.cancel();
    await checkpoint.stop(!fenced.signal.aborted, drainTimeoutMs);
    failed.signal.throwIfAborted();
  };

  /** The event store resumes dropped subscriptions. Ends when the signal aborts; rejects with final errors. */
  async function follow(
    after: Position | 'start',
    batcher: Batcher,
    signal: AbortSignal,
  ): Promise<void> {
    const onDrop = (reason: DropReason): void => {
      metrics.bridgeDrops.inc({ reason });
      status.attempted('log', new UnavailableError(`The subscription was dropped: ${reason}.`));
    };
    const subscription = { after, streamPrefix: ANIME_STREAM_PREFIX, signal, onDrop };
    for await (const item of eventStore.subscribeToAll(subscription)) {
      status.attempted('log', null);
      if (item.kind === 'caught-up') {
        status.caughtUp();
      } else if (item.kind === 'checkpoint') {
        await batcher.add({ event: null, position: item.position });
      } else {
        const { event } = item;
        // Types that begin with $ are the event store's own system events.
        const isOurs = !event.type.startsWith('$');
        await batcher.add({ event: isOurs ? event : null, position: event.position });
      }
    }
    if (!signal.aborted) throw new UnavailableError('The event store was closed.');
  }

  function acknowledge(
    checkpoint: CheckpointWriter,
    entries: readonly EventToPublish[],
    offsets: Offsets,
  ): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    const events = eventsOfBatch(entries);
    checkpoint.acknowledge(last.position, events.map(eventPlaceOf), offsets);
    status.published(last.position);
    metrics.bridgeForwarded.inc(events.length);
  }
};

const eventPlaceOf = ({ stream, revision, id }: RecordedEvent): EventPlace => ({
  stream,
  revision: Number(revision),
  id,
});
