import type { AnimeCommand } from '../../domain/commands.js';
import type { AnimeId } from '../../domain/ids.js';
import {
  resultOfFailure,
  type CommandOptions,
  type CommandResult,
  type StreamProblem,
} from '../../ports/command-result.js';
import { PortError, StreamDeletedError, TooLargeError } from '../../ports/errors.js';
import type { AppendResult, EventStore, RecordedEvent } from '../../ports/event-store.js';
import type { UserProtection } from '../../ports/user-protection.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { createOutage } from '../../platform/async/outage.js';
import { createAggregateCache } from './aggregate-cache.js';
import { type CommandAppend, createAppendWithRetry, createContention } from './append.js';
import {
  answerAll,
  answerAppended,
  commandsOf,
  keyedCommandsIn,
  newestOf,
  placeAfter,
  takeBatch,
  type DecidedBatch,
} from './batch.js';
import { applyWritten, isPresumed, type CachedAggregate } from './cached-aggregate.js';
import {
  type CommandLimits,
  correlationIdsOf,
  withinTraceOf,
  createIdentify,
  createKeyedQueue,
  createQueuedCommand,
  DEFAULT_COMMAND_LIMITS,
  identified,
  isPlainListing,
  type QueuedCommand,
} from './queued-command.js';
import { createRefusedStreams, RefusedStreamError } from './refused-streams.js';
import { createSnapshots } from './snapshots.js';

export interface CommandHandler {
  /** Decides a command and appends its events. Rejects only for a bug. */
  handle(command: AnimeCommand, options: CommandOptions): Promise<CommandResult>;
  /** Refuses new commands; resolves when those under way are settled. May be called twice. */
  drain(): Promise<void>;
  /** Streams on which commands are refused. Reading them checks again those that are due. */
  refused(): readonly StreamProblem[];
}

const NOT_DECIDED = 'Commands not decided';

/**
 * The write side: load, decide, append at the exact revision. Commands of one anime are serialised;
 * those that arrive while an append is in flight share the next append.
 */
export const createCommandHandler = (options: {
  readonly store: EventStore;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Returns a new UUID. */
  readonly newId: () => string;
  readonly limits?: Partial<CommandLimits>;
  /** Null or absent: events hold plain user ids. */
  readonly users?: UserProtection | null;
}): CommandHandler => {
  const { store, logger, metrics, newId, users = null } = options;
  const limits = { ...DEFAULT_COMMAND_LIMITS, ...options.limits };
  const snapshots = createSnapshots({ store, logger, newId, ...limits });
  const aggregates = createAggregateCache({ store, snapshots, ...limits });
  const refused = createRefusedStreams({ logger, metrics, ...limits });
  const append = createAppendWithRetry({ store, logger, metrics, ...limits });
  const contention = createContention();
  const outage = createOutage({ logger, begun: NOT_DECIDED, ended: 'Commands are decided again' });

  const load = async (animeId: AnimeId): Promise<CachedAggregate> => {
    await refreshContended(animeId);
    const cached = aggregates.cached(animeId);
    const aggregate = cached ?? (await aggregates.load(animeId));
    if (cached === undefined) outage.over();
    refused.allow(animeId);
    return aggregate;
  };

  /** Where another process appends too, an append on the cached revision would be a conflict. */
  const refreshContended = async (animeId: AnimeId): Promise<void> => {
    const cached = contention.expected(animeId) ? aggregates.cached(animeId) : undefined;
    if (cached === undefined) return;
    const { revision } = cached;
    const current = await aggregates.refresh(cached);
    contention.looked(animeId, current.revision !== revision);
  };

  const presumedNew = (animeId: AnimeId, waiting: readonly QueuedCommand[]) =>
    waiting.length > 0 && waiting.every(isPlainListing)
      ? aggregates.presumedNew(animeId)
      : undefined;

  /** One turn in an anime's queue. Never rejects. */
  const turn = async (animeId: AnimeId, waiting: QueuedCommand[]): Promise<void> => {
    let batch: DecidedBatch | undefined;
    try {
      await identified(waiting);
      let aggregate = presumedNew(animeId, waiting) ?? (await load(animeId));
      batch = takeBatch(aggregate, waiting, limits);
      // A result without events depends on the state alone, so the stream must not have grown.
      if (batch.events.length === 0 && !(await aggregates.isCurrent(aggregate, newestOf(batch)))) {
        const again = commandsOf(batch);
        waiting.unshift(...again);
        batch = undefined;
        await aggregates.refresh(aggregate);
        aggregate = await load(animeId);
        batch = takeBatch(aggregate, waiting, limits, again.length);
      }
      if (batch.events.length === 0) {
        answerAll(batch, placeAfter(aggregate));
        return;
      }
      const outcome = await appendBatch(aggregate, batch);
      switch (outcome.kind) {
        case 'written':
          written(aggregate, batch, outcome.result);
          await contention.won(animeId);
          return;
        case 'conflict':
          return void waiting.unshift(...(await conflict(aggregate, batch)));
        case 'refused':
          return void waiting.unshift(...refusedByStore(aggregate, batch, outcome.error));
        case 'unknown':
          return void waiting.unshift(...unknown(aggregate, batch));
      }
    } catch (error) {
      fail(animeId, batch === undefined ? waiting.splice(0) : commandsOf(batch), error);
    }
  };

  const appendBatch = async (
    { stream, revision }: CachedAggregate,
    { steps, events }: DecidedBatch,
  ): Promise<CommandAppend> => {
    const appended = steps.filter((step) => step.events.length > 0).map(({ queued }) => queued);
    const deadline = Math.max(...appended.map((queued) => queued.deadline));
    for (const queued of appended) queued.isAppending = true;
    const startedAt = performance.now();
    const outcome = await append(stream, revision, events, deadline);
    metrics.appendSeconds.observe((performance.now() - startedAt) / 1000);
    metrics.appendEvents.observe(events.length);
    for (const queued of appended) queued.isAppending = false;
    return outcome;
  };

  const written = (aggregate: CachedAggregate, batch: DecidedBatch, result: AppendResult): void => {
    const first = result.revision - BigInt(batch.events.length) + 1n;
    const { revision: expected } = aggregate;
    const asExpected = expected === 'no_stream' || first === expected + 1n;
    const answered = answerAll(batch, { first, position: result.position.commit });
    const { state, events } = batch;
    applyWritten(aggregate, { state, events, first, keyed: keyedCommandsIn(answered) });
    if (asExpected) {
      aggregates.keep(aggregate);
      snapshots.saveWhenDue(aggregate);
    } else {
      aggregates.forget(aggregate.animeId);
    }
  };

  /** Another process wrote: returns the commands to decide again, within the bounded retries. */
  const conflict = async (
    aggregate: CachedAggregate,
    batch: DecidedBatch,
  ): Promise<readonly QueuedCommand[]> => {
    metrics.appendConflicts.inc();
    contention.lost(aggregate.animeId);
    const seen = new Map<string, RecordedEvent>();
    // A presumed state is loaded in the next turn: the stream may be long and have a snapshot.
    if (!isPresumed(aggregate)) {
      await aggregates.refresh(aggregate, (event) => void seen.set(event.id, event));
    }
    const again = batch.steps.filter((step) => {
      // Our own events may be among them, if the response to an append was lost.
      const found = seen.get(step.events[0]?.id ?? '');
      if (found === undefined) return true;
      const first = found.revision - BigInt(step.offset);
      step.queued.settle(step.answer({ first, position: found.position.commit }));
      return false;
    });
    const losers = again.filter((step) => step.events.length > 0).map(({ queued }) => queued);
    for (const queued of losers) {
      queued.conflicts += 1;
      if (queued.conflicts > limits.conflictRetries) queued.settle({ kind: 'conflict' });
    }
    return again.map(({ queued }) => queued);
  };

  const refusedByStore = (
    { animeId, stream }: CachedAggregate,
    batch: DecidedBatch,
    error: PortError,
  ): readonly QueuedCommand[] => {
    if (error instanceof StreamDeletedError) aggregates.forget(animeId);
    else if (!error.retriable) {
      withinTraceOf(commandsOf(batch), () => logger.error('Append refused', { stream, error }));
    }
    if (error instanceof TooLargeError && batch.events.length > 1) {
      // Together they are too large for this server: append each on its own.
      for (const queued of commandsOf(batch)) queued.mustGoAlone = true;
      return commandsOf(batch);
    }
    return answerAppended(batch, resultOfFailure(error));
  };

  const unknown = (
    { animeId, stream, revision }: CachedAggregate,
    batch: DecidedBatch,
  ): readonly QueuedCommand[] => {
    aggregates.forget(animeId);
    const commands = commandsOf(batch);
    const data = { stream, expected: revision, correlationIds: correlationIdsOf(commands) };
    withinTraceOf(commands, () => logger.error('Append outcome unknown', data));
    return answerAppended(batch, { kind: 'outcome-unknown' });
  };

  const fail = (animeId: AnimeId, concerned: readonly QueuedCommand[], error: unknown): void => {
    if (error instanceof RefusedStreamError) {
      refused.refuse(error);
      const { problem } = error;
      for (const queued of concerned) queued.settle({ kind: problem.kind, problem });
      return;
    }
    if (concerned.length > 0) {
      const correlationIds = correlationIdsOf(concerned);
      const context = { animeId, commands: concerned.length, correlationIds };
      withinTraceOf(concerned, () => {
        if (error instanceof PortError && error.retriable) outage.failed(error, context);
        else logger.warn(NOT_DECIDED, { ...context, error });
      });
    }
    if (error instanceof PortError) {
      for (const queued of concerned) queued.settle(resultOfFailure(error));
    } else {
      aggregates.forget(animeId);
      for (const queued of concerned) queued.fail(error);
    }
  };

  const identify = users === null ? null : createIdentify(users, logger);
  const queue = createKeyedQueue(turn);
  let unanswered = 0;
  let draining: Promise<void> | undefined;

  const enqueue = (command: AnimeCommand, given: CommandOptions): Promise<CommandResult> => {
    const { deadlineMs } = limits;
    return new Promise((resolve, reject) => {
      unanswered += 1;
      const queued = createQueuedCommand(command, newId(), { deadlineMs, ...given }, (outcome) => {
        unanswered -= 1;
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.result);
      });
      identify?.(queued);
      queue.push(command.animeId, queued);
    });
  };

  const isOverloaded = (animeId: AnimeId): boolean =>
    unanswered >= limits.waitingInAll || queue.lengthOf(animeId) >= limits.waitingPerAnime;

  const finish = async (): Promise<void> => {
    await queue.idle();
    await snapshots.settled();
  };

  return {
    handle: async (command, given) => {
      const { animeId, type } = command;
      const refuse = draining !== undefined || isOverloaded(animeId);
      const result: CommandResult = refuse ? { kind: 'overloaded' } : await enqueue(command, given);
      const outcome = result.kind === 'rejected' ? result.rejection.code : result.kind;
      metrics.commands.inc({ type, outcome });
      return result;
    },
    drain: () => (draining ??= finish()),
    refused: () => {
      if (draining === undefined) for (const animeId of refused.due()) queue.request(animeId);
      return refused.all();
    },
  };
};
