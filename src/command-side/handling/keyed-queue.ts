import type { AnimeId } from '../../domain/ids.js';
import type { Logger } from '../../platform/observability/logger.js';
import { createOutage } from '../../platform/outage.js';
import { PortError } from '../../ports/errors.js';
import { decideInOrder, type Batch, type BatchLimits } from './batch.js';
import type { CachedAggregate } from './cached-aggregate.js';
import { resultOf } from './failures.js';
import type { AggregateCache } from './aggregate-cache.js';
import { correlationIdsOf, type QueuedCommand } from './pending.js';
import { RefusedStreamError, type RefusedStreams } from './refused-streams.js';

export interface KeyedQueue {
  /** How many commands wait for this anime. */
  lengthOf(animeId: AnimeId): number;
  push(queued: QueuedCommand): void;
  /** Looks at the stream again, in turn with its commands, to see whether it can be decided on by now. */
  recheck(animeId: AnimeId): void;
  /** Resolves when no command waits or is under way. */
  idle(): Promise<void>;
}

interface Queue {
  readonly animeId: AnimeId;
  waiting: QueuedCommand[];
  recheck: boolean;
}

const NOT_DECIDED = 'Commands not decided';

/**
 * A queue per anime that has commands, worked off one batch at a time: commands that arrive while an
 * append is under way are decided together when it is done.
 */
export const createKeyedQueue = (options: {
  readonly aggregates: AggregateCache;
  readonly refused: RefusedStreams;
  readonly limits: BatchLimits;
  readonly logger: Logger;
  /** Appends a batch and resolves to the commands that must be decided again. */
  readonly commit: (aggregate: CachedAggregate, batch: Batch) => Promise<readonly QueuedCommand[]>;
}): KeyedQueue => {
  const { aggregates, refused, limits, logger, commit } = options;
  const outage = createOutage({ logger, begun: NOT_DECIDED, ended: 'Commands are decided again' });
  const queues = new Map<AnimeId, Queue>();
  let whenIdle: (() => void)[] = [];

  const known = async (animeId: AnimeId): Promise<CachedAggregate> => {
    const cached = aggregates.cached(animeId);
    const aggregate = cached ?? (await aggregates.load(animeId));
    if (cached === undefined) outage.over();
    refused.allow(animeId);
    return aggregate;
  };

  const presumedNew = ({ animeId, waiting }: Queue): CachedAggregate | undefined =>
    waiting.length > 0 && waiting.every(isPlainListing)
      ? aggregates.presumedNew(animeId)
      : undefined;

  const turn = async (queue: Queue): Promise<void> => {
    const { animeId } = queue;
    let batch: Batch | undefined;
    queue.recheck = false;
    try {
      let aggregate = presumedNew(queue) ?? (await known(animeId));
      if (queue.waiting.length === 0) return;
      batch = take(queue, aggregate);
      // Without events nothing will tell whether the state was current, so the head must.
      if (batch.events.length === 0 && !(await aggregates.isCurrent(aggregate, newestOf(batch)))) {
        await aggregates.refresh(aggregate);
        const { length } = batch.steps;
        putBack(queue, commandsOf(batch));
        batch = undefined;
        aggregate = await known(animeId);
        batch = take(queue, aggregate, length);
      }
      if (batch.events.length === 0) answer(aggregate, batch);
      else putBack(queue, await commit(aggregate, batch));
    } catch (error) {
      fail(animeId, batch === undefined ? takeAll(queue) : commandsOf(batch), error);
    }
  };

  const tell = (error: unknown, concerned: Readonly<Record<string, unknown>>): void => {
    if (error instanceof PortError && error.retriable) outage.failed(error, concerned);
    else logger.warn(NOT_DECIDED, { ...concerned, error });
  };

  const fail = (animeId: AnimeId, concerned: readonly QueuedCommand[], error: unknown): void => {
    const result = resultOf(error);
    if (result === undefined) aggregates.forget(animeId);
    if (error instanceof RefusedStreamError) {
      refused.refuse(error);
    } else if (concerned.length > 0) {
      tell(error, {
        animeId,
        commands: concerned.length,
        correlationIds: correlationIdsOf(concerned),
      });
    }
    for (const queued of concerned) {
      if (result === undefined) queued.fail(bug(error));
      else queued.settle(result);
    }
  };

  const take = (queue: Queue, aggregate: CachedAggregate, most = Infinity): Batch => {
    if (queue.waiting.some((queued) => queued.isSettled())) {
      queue.waiting = queue.waiting.filter((queued) => !queued.isSettled());
    }
    const batch = decideInOrder(aggregate, queue.waiting, limits, most);
    queue.waiting = queue.waiting.slice(batch.steps.length);
    return batch;
  };

  const run = async (queue: Queue): Promise<void> => {
    while (queue.waiting.length > 0 || queue.recheck) await turn(queue);
    queues.delete(queue.animeId);
    if (queues.size > 0) return;
    for (const resolve of whenIdle) resolve();
    whenIdle = [];
  };

  /** The queue is run by whoever finds none. */
  const enqueue = (animeId: AnimeId, add: (queue: Queue) => void): void => {
    const queue = queues.get(animeId);
    if (queue !== undefined) {
      add(queue);
      return;
    }
    const fresh: Queue = { animeId, waiting: [], recheck: false };
    add(fresh);
    queues.set(animeId, fresh);
    void run(fresh);
  };

  return {
    lengthOf: (animeId) => queues.get(animeId)?.waiting.length ?? 0,
    push: (queued) => enqueue(queued.command.animeId, (queue) => void queue.waiting.push(queued)),
    recheck: (animeId) => enqueue(animeId, (queue) => void (queue.recheck = true)),
    idle: async () => {
      if (queues.size > 0) await new Promise<void>((resolve) => void whenIdle.push(resolve));
    },
  };
};

/** None can be decided without the state. */
const takeAll = (queue: Queue): readonly QueuedCommand[] => {
  const all = queue.waiting;
  queue.waiting = [];
  return all;
};

const putBack = (queue: Queue, queuedCommands: readonly QueuedCommand[]): void => {
  if (queuedCommands.length > 0) queue.waiting = [...queuedCommands, ...queue.waiting];
};

const answer = (aggregate: CachedAggregate, { steps }: Batch): void => {
  const first = aggregate.revision === 'no_stream' ? 0n : aggregate.revision + 1n;
  for (const step of steps) step.queued.settle(step.answer({ first, position: 0n }));
};

/** Decided on nothing it is appended, and so proved; with a key or a precondition it may not be. */
const isPlainListing = ({ command, options, conflicts }: QueuedCommand): boolean =>
  command.type === 'ListAnime' &&
  options.idempotencyKey === undefined &&
  options.ifMatch === undefined &&
  options.ifNoneMatch === undefined &&
  conflicts === 0;

const newestOf = ({ steps }: Batch): number =>
  Math.max(...steps.map(({ queued }) => queued.receivedAt));

const commandsOf = ({ steps }: Batch): readonly QueuedCommand[] =>
  steps.map(({ queued }) => queued);

const bug = (error: unknown): Error =>
  error instanceof Error
    ? error
    : new Error('Something was thrown that is no error', { cause: error });
