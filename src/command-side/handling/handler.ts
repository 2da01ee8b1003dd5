import type { AnimeCommand } from '../../domain/commands.js';
import type { EventStore } from '../../ports/event-store.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { createKeyedQueue } from './keyed-queue.js';
import { createAppendWithRetry } from './append.js';
import { keyedCommandId } from './command-id.js';
import type { CommandOptions, CommandResult, StreamProblem } from '../../ports/command-result.js';
import { createCommit } from './commit.js';
import { createAggregateCache } from './aggregate-cache.js';
import { createQueuedCommand } from './pending.js';
import { createRefusedStreams } from './refused-streams.js';
import { createSnapshots } from './snapshots.js';

export interface CommandHandler {
  /** Decides the command and makes its events safe. Rejects only for a bug. */
  handle(command: AnimeCommand, options: CommandOptions): Promise<CommandResult>;
  /** Takes no more commands; resolves when those under way are answered. May be called twice. */
  drain(): Promise<void>;
  /** The streams on which commands are refused. Asking has those looked at again that are due. */
  refused(): readonly StreamProblem[];
}

export interface CommandLimits {
  /** Anime states kept in memory. Default 10,000. */
  readonly cachedAnimes?: number;
  /** Commands with an Idempotency-Key remembered per anime. Default 4,096. */
  readonly rememberedKeys?: number;
  /** Events between two snapshots of an anime, so the longest tail to read. Default 250. */
  readonly snapshotEvery?: number;
  /** Per append. Default 500 and 512 KiB. */
  readonly batchEvents?: number;
  readonly batchBytes?: number;
  /** Waiting commands, per anime and in all; beyond them commands are refused. Default 2,000 and 20,000. */
  readonly waitingPerAnime?: number;
  readonly waitingInAll?: number;
  /** Every command is answered within this time. Default 10,000. */
  readonly deadlineMs?: number;
  /** When one attempt to append counts as lost. Default 4,000. */
  readonly appendTimeoutMs?: number;
  /** How long reading the state of an anime may take. Default 60,000. */
  readonly loadTimeoutMs?: number;
  /** How often a command is decided again after conflicts with other processes. Default 10. */
  readonly conflictRetries?: number;
  /** For how long the beginning of a stream is taken to be where it was last seen. Default 10,000. */
  readonly beginningForMs?: number;
  /** How soon a refused stream is looked at again. Default 5,000. */
  readonly recheckAfterMs?: number;
}

/** The write side: one queue per anime, group commit, exact expected revisions. */
export const createCommandHandler = (options: {
  readonly store: EventStore;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Makes a UUID. */
  readonly newId: () => string;
  readonly limits?: CommandLimits;
}): CommandHandler => {
  const { store, logger, metrics, newId, limits = {} } = options;
  const { cachedAnimes = 10_000, rememberedKeys = 4096, snapshotEvery = 250 } = limits;
  const { batchEvents = 500, batchBytes = 512 * 1024 } = limits;
  const { waitingPerAnime = 2000, waitingInAll = 20_000, deadlineMs = 10_000 } = limits;
  const { appendTimeoutMs = 4000, loadTimeoutMs = 60_000, conflictRetries = 10 } = limits;
  const { beginningForMs = 10_000, recheckAfterMs = 5_000 } = limits;

  const snapshots = createSnapshots({ store, logger, newId, every: snapshotEvery, rememberedKeys });
  const aggregates = createAggregateCache({
    ...{ store, snapshots, snapshotEvery, cachedAnimes, rememberedKeys },
    ...{ loadTimeoutMs, beginningForMs },
  });
  const refused = createRefusedStreams({ logger, metrics, recheckAfterMs });
  const append = createAppendWithRetry({
    store,
    logger,
    metrics,
    attemptTimeoutMs: appendTimeoutMs,
  });
  const commit = createCommit({
    ...{ append, logger, metrics, aggregates, snapshots, conflictRetries },
  });
  const batchLimits = { events: batchEvents, bytes: batchBytes };
  const queues = createKeyedQueue({ aggregates, refused, logger, commit, limits: batchLimits });
  let unanswered = 0;
  let draining: Promise<void> | undefined;

  const enqueue = (command: AnimeCommand, given: CommandOptions): Promise<CommandResult> => {
    const { idempotencyKey } = given;
    const commandId =
      idempotencyKey === undefined ? newId() : keyedCommandId(command, idempotencyKey);
    return new Promise((resolve, reject) => {
      unanswered += 1;
      const queued = createQueuedCommand(
        command,
        commandId,
        { deadlineMs, ...given },
        (outcome) => {
          unanswered -= 1;
          if ('error' in outcome) reject(outcome.error);
          else resolve(outcome.result);
        },
      );
      queues.push(queued);
    });
  };

  const finish = async (): Promise<void> => {
    await queues.idle();
    await snapshots.settled();
  };

  return {
    handle: async (command, given) => {
      const { animeId, type } = command;
      const full = unanswered >= waitingInAll || queues.lengthOf(animeId) >= waitingPerAnime;
      const refuse = full || draining !== undefined;
      const result: CommandResult = refuse ? { kind: 'overloaded' } : await enqueue(command, given);
      const outcome = result.kind === 'rejected' ? result.rejection.code : result.kind;
      metrics.commands.inc({ type, outcome });
      return result;
    },
    drain: () => (draining ??= finish()),
    refused: () => {
      if (draining === undefined) refused.due().forEach((animeId) => queues.recheck(animeId));
      return refused.all();
    },
  };
};
