import { PortError, StreamDeletedError, TooLargeError } from '../../ports/errors.js';
import type { RecordedEvent } from '../../ports/event-store.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { backoffMs, pause } from '../../platform/async/retry.js';
import { begin, isPresumed, type CachedAggregate } from './cached-aggregate.js';
import type { AppendWithRetry } from './append.js';
import type { Batch, Place, Step } from './batch.js';
import type { CommandResult } from '../../ports/command-result.js';
import { resultOfFailure } from './failures.js';
import type { AggregateCache } from './aggregate-cache.js';
import { correlationIdsOf, type QueuedCommand } from './pending.js';
import type { Snapshots } from './snapshots.js';

export interface CommitOptions {
  readonly append: AppendWithRetry;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly aggregates: AggregateCache;
  readonly snapshots: Snapshots;
  /** How often a command is decided again after conflicts. */
  readonly conflictRetries: number;
}

const CONFLICT_BACKOFF = { baseMs: 2, maxMs: 250 };

/**
 * Appends a batch and answers its commands. Resolves to those that must be decided again: on a
 * conflict all, else those whose answer rested on events that were not written.
 */
export const createCommit = (options: CommitOptions) => {
  const { append, logger, metrics, aggregates, snapshots, conflictRetries } = options;

  const written = (aggregate: CachedAggregate, batch: Batch, place: Place): QueuedCommand[] => {
    const last = place.first + BigInt(batch.events.length) - 1n;
    const { revision: expected } = aggregate;
    const asExpected = expected === 'no_stream' || place.first === expected + 1n;
    aggregate.state = batch.state;
    aggregate.revision = last;
    // Only a listing is appended where there is nothing.
    if (expected === 'no_stream') {
      aggregate.from = place.first;
      begin(aggregate, { revision: place.first, type: 'AnimeListed', isWhole: true });
    }
    aggregate.lastEventId = batch.events.at(-1)?.id ?? null;
    for (const step of batch.steps) {
      const result = step.answer(place);
      noteKeyed(aggregate, step, result);
      step.queued.settle(result);
    }
    if (asExpected) {
      aggregates.keep(aggregate);
      snapshots.saveWhenDue(aggregate);
    } else {
      aggregates.forget(aggregate.animeId);
    }
    return [];
  };

  /** Another process wrote: see what, and whether our own events are among it after all. */
  const conflict = async (aggregate: CachedAggregate, batch: Batch): Promise<QueuedCommand[]> => {
    metrics.appendConflicts.inc();
    const seen = new Map<string, RecordedEvent>();
    // What was presumed is loaded: its stream may be long, and have a snapshot.
    if (!isPresumed(aggregate)) {
      await aggregates.refresh(aggregate, (event) => void seen.set(event.id, event));
    }
    const again = batch.steps.filter((step) => {
      const found = seen.get(step.events[0]?.id ?? '');
      if (found === undefined) return true;
      const first = found.revision - BigInt(step.offset);
      step.queued.settle(step.answer({ first, position: found.position.commit }));
      return false;
    });
    const losers = again.filter((step) => step.events.length > 0).map(({ queued }) => queued);
    for (const queued of losers) {
      queued.conflicts += 1;
      if (queued.conflicts > conflictRetries) queued.settle({ kind: 'conflict' });
    }
    const most = Math.max(0, ...losers.map(({ conflicts }) => conflicts));
    if (most > 1) await pause(backoffMs(most, CONFLICT_BACKOFF));
    return again.map(({ queued }) => queued);
  };

  const refused = (aggregate: CachedAggregate, batch: Batch, error: PortError): QueuedCommand[] => {
    const { stream } = aggregate;
    if (error instanceof StreamDeletedError) aggregates.forget(aggregate.animeId);
    else if (!error.retriable) logger.error('Append refused', { stream, error });
    if (error instanceof TooLargeError && batch.events.length > 1) return oneByOne(batch);
    return answerAppends(batch, resultOfFailure(error));
  };

  return async (aggregate: CachedAggregate, batch: Batch): Promise<readonly QueuedCommand[]> => {
    const { stream, revision: expected } = aggregate;
    const { steps, events } = batch;
    let deadline = 0;
    for (const { queued, events: own } of steps) {
      queued.isAppending = own.length > 0;
      if (queued.isAppending) deadline = Math.max(deadline, queued.deadline);
    }
    const startedAt = performance.now();
    const outcome = await append(stream, expected, events, deadline);
    metrics.appendSeconds.observe((performance.now() - startedAt) / 1000);
    metrics.appendEvents.observe(events.length);
    if (outcome.kind === 'unknown') {
      aggregates.forget(aggregate.animeId);
      const correlationIds = correlationIdsOf(steps.map(({ queued }) => queued));
      logger.error('Append outcome unknown', { stream, expected, correlationIds });
      return answerAppends(batch, { kind: 'outcome-unknown' });
    }
    for (const { queued } of steps) queued.isAppending = false;
    switch (outcome.kind) {
      case 'written': {
        const { revision, position } = outcome.result;
        const first = revision - BigInt(events.length) + 1n;
        return written(aggregate, batch, { first, position: position.commit });
      }
      case 'conflict':
        return conflict(aggregate, batch);
      case 'refused':
        return refused(aggregate, batch, outcome.error);
    }
  };
};

/** Together they are too large for this server: each goes alone. */
const oneByOne = ({ steps }: Batch): QueuedCommand[] =>
  steps.map(({ queued }) => {
    queued.mustGoAlone = true;
    return queued;
  });

/** The others rested on these events, or only waited with them: they are decided again. */
const answerAppends = ({ steps }: Batch, result: CommandResult): QueuedCommand[] => {
  const others: QueuedCommand[] = [];
  for (const { queued, events } of steps) {
    if (events.length > 0) queued.settle(result);
    else others.push(queued);
  }
  return others;
};

const noteKeyed = ({ recent }: CachedAggregate, step: Step, result: CommandResult): void => {
  const bodyHash = step.queued.options.idempotencyKey?.bodyHash;
  if (bodyHash === undefined || result.kind !== 'accepted') return;
  const { eventId, type, revision, position } = result;
  const { commandId } = step.queued;
  recent.add({ commandId, eventId, type, revision, position, bodyHash });
};
