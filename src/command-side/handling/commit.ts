import { PortError, StreamDeletedError, TooLargeError } from '../../ports/errors.js';
import type { RecordedEvent } from '../../ports/event-store.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { backoffMs, pause } from '../../platform/async/retry.js';
import { begin, isPresumed, type AnimeMemory } from './cached-aggregate.js';
import type { Append } from './append.js';
import type { Batch, Place, Step } from './batch.js';
import type { CommandResult } from '../../ports/command-result.js';
import { resultOfFailure } from './failures.js';
import type { Memories } from './aggregate-cache.js';
import { correlationIdsOf, type Pending } from './pending.js';
import type { Snapshots } from './snapshots.js';

export interface CommitOptions {
  readonly append: Append;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly memories: Memories;
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
  const { append, logger, metrics, memories, snapshots, conflictRetries } = options;

  const written = (memory: AnimeMemory, batch: Batch, place: Place): Pending[] => {
    const last = place.first + BigInt(batch.events.length) - 1n;
    const { revision: expected } = memory;
    const asExpected = expected === 'no_stream' || place.first === expected + 1n;
    memory.state = batch.state;
    memory.revision = last;
    // Only a listing is appended where there is nothing.
    if (expected === 'no_stream') {
      memory.from = place.first;
      begin(memory, { revision: place.first, type: 'AnimeListed', isWhole: true });
    }
    memory.lastEventId = batch.events.at(-1)?.id ?? null;
    for (const step of batch.steps) {
      const result = step.answer(place);
      rememberKeyed(memory, step, result);
      step.pending.settle(result);
    }
    if (asExpected) {
      memories.keep(memory);
      snapshots.saveWhenDue(memory);
    } else {
      memories.forget(memory.animeId);
    }
    return [];
  };

  /** Another process wrote: see what, and whether our own events are among it after all. */
  const conflict = async (memory: AnimeMemory, batch: Batch): Promise<Pending[]> => {
    metrics.appendConflicts.inc();
    const seen = new Map<string, RecordedEvent>();
    // What was presumed is loaded: its stream may be long, and have a snapshot.
    if (!isPresumed(memory)) {
      await memories.refresh(memory, (event) => void seen.set(event.id, event));
    }
    const again = batch.steps.filter((step) => {
      const found = seen.get(step.events[0]?.id ?? '');
      if (found === undefined) return true;
      const first = found.revision - BigInt(step.offset);
      step.pending.settle(step.answer({ first, position: found.position.commit }));
      return false;
    });
    const losers = again.filter((step) => step.events.length > 0).map(({ pending }) => pending);
    for (const pending of losers) {
      pending.conflicts += 1;
      if (pending.conflicts > conflictRetries) pending.settle({ kind: 'conflict' });
    }
    const most = Math.max(0, ...losers.map(({ conflicts }) => conflicts));
    if (most > 1) await pause(backoffMs(most, CONFLICT_BACKOFF));
    return again.map(({ pending }) => pending);
  };

  const refused = (memory: AnimeMemory, batch: Batch, error: PortError): Pending[] => {
    const { stream } = memory;
    if (error instanceof StreamDeletedError) memories.forget(memory.animeId);
    else if (!error.retriable) logger.error('Append refused', { stream, error });
    if (error instanceof TooLargeError && batch.events.length > 1) return oneByOne(batch);
    return answerAppends(batch, resultOfFailure(error));
  };

  return async (memory: AnimeMemory, batch: Batch): Promise<readonly Pending[]> => {
    const { stream, revision: expected } = memory;
    const { steps, events } = batch;
    let deadline = 0;
    for (const { pending, events: own } of steps) {
      pending.appending = own.length > 0;
      if (pending.appending) deadline = Math.max(deadline, pending.deadline);
    }
    const startedAt = performance.now();
    const outcome = await append(stream, expected, events, deadline);
    metrics.appendSeconds.observe((performance.now() - startedAt) / 1000);
    metrics.appendEvents.observe(events.length);
    if (outcome.kind === 'unknown') {
      memories.forget(memory.animeId);
      const correlationIds = correlationIdsOf(steps.map(({ pending }) => pending));
      logger.error('Append outcome unknown', { stream, expected, correlationIds });
      return answerAppends(batch, { kind: 'outcome-unknown' });
    }
    for (const { pending } of steps) pending.appending = false;
    switch (outcome.kind) {
      case 'written': {
        const { revision, position } = outcome.result;
        const first = revision - BigInt(events.length) + 1n;
        return written(memory, batch, { first, position: position.commit });
      }
      case 'conflict':
        return conflict(memory, batch);
      case 'refused':
        return refused(memory, batch, outcome.error);
    }
  };
};

/** Together they are too large for this server: each goes alone. */
const oneByOne = ({ steps }: Batch): Pending[] =>
  steps.map(({ pending }) => {
    pending.alone = true;
    return pending;
  });

/** The others rested on these events, or only waited with them: they are decided again. */
const answerAppends = ({ steps }: Batch, result: CommandResult): Pending[] => {
  const others: Pending[] = [];
  for (const { pending, events } of steps) {
    if (events.length > 0) pending.settle(result);
    else others.push(pending);
  }
  return others;
};

const rememberKeyed = ({ recent }: AnimeMemory, step: Step, result: CommandResult): void => {
  const bodyHash = step.pending.options.idempotencyKey?.bodyHash;
  if (bodyHash === undefined || result.kind !== 'accepted') return;
  const { eventId, type, revision, position } = result;
  const { commandId } = step.pending;
  recent.add({ commandId, eventId, type, revision, position, bodyHash });
};
