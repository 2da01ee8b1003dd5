import type { AnimeId } from '../../domain/ids.js';
import type { Logger } from '../../platform/observability/logger.js';
import { createOutage } from '../../platform/outage.js';
import { PortError } from '../../ports/errors.js';
import { decideInOrder, type Batch, type BatchLimits } from './batch.js';
import type { AnimeMemory } from './cached-aggregate.js';
import { resultOf } from './failures.js';
import type { Memories } from './aggregate-cache.js';
import { correlationIdsOf, type Pending } from './pending.js';
import { RefusedStreamError, type RefusedStreams } from './refused-streams.js';

export interface AnimeQueues {
  /** How many commands wait for this anime. */
  lengthOf(animeId: AnimeId): number;
  push(pending: Pending): void;
  /** Looks at the stream again, in turn with its commands, to see whether it can be decided on by now. */
  recheck(animeId: AnimeId): void;
  /** Resolves when no command waits or is under way. */
  idle(): Promise<void>;
}

interface Queue {
  readonly animeId: AnimeId;
  waiting: Pending[];
  recheck: boolean;
}

const NOT_DECIDED = 'Commands not decided';

/**
 * A queue per anime that has commands, worked off one batch at a time: commands that arrive while an
 * append is under way are decided together when it is done.
 */
export const createAnimeQueues = (options: {
  readonly memories: Memories;
  readonly refused: RefusedStreams;
  readonly limits: BatchLimits;
  readonly logger: Logger;
  /** Appends a batch and resolves to the commands that must be decided again. */
  readonly commit: (memory: AnimeMemory, batch: Batch) => Promise<readonly Pending[]>;
}): AnimeQueues => {
  const { memories, refused, limits, logger, commit } = options;
  const outage = createOutage({ logger, begun: NOT_DECIDED, ended: 'Commands are decided again' });
  const queues = new Map<AnimeId, Queue>();
  let whenIdle: (() => void)[] = [];

  const known = async (animeId: AnimeId): Promise<AnimeMemory> => {
    const cached = memories.cached(animeId);
    const memory = cached ?? (await memories.load(animeId));
    if (cached === undefined) outage.over();
    refused.allow(animeId);
    return memory;
  };

  const presumedNew = ({ animeId, waiting }: Queue): AnimeMemory | undefined =>
    waiting.length > 0 && waiting.every(isPlainListing) ? memories.presumedNew(animeId) : undefined;

  const turn = async (queue: Queue): Promise<void> => {
    const { animeId } = queue;
    let batch: Batch | undefined;
    queue.recheck = false;
    try {
      let memory = presumedNew(queue) ?? (await known(animeId));
      if (queue.waiting.length === 0) return;
      batch = take(queue, memory);
      // Without events nothing will tell whether the state was current, so the head must.
      if (batch.events.length === 0 && !(await memories.isCurrent(memory, newestOf(batch)))) {
        await memories.refresh(memory);
        const { length } = batch.steps;
        putBack(queue, pendingsOf(batch));
        batch = undefined;
        memory = await known(animeId);
        batch = take(queue, memory, length);
      }
      if (batch.events.length === 0) answer(memory, batch);
      else putBack(queue, await commit(memory, batch));
    } catch (error) {
      fail(animeId, batch === undefined ? takeAll(queue) : pendingsOf(batch), error);
    }
  };

  const tell = (error: unknown, concerned: Readonly<Record<string, unknown>>): void => {
    if (error instanceof PortError && error.retriable) outage.failed(error, concerned);
    else logger.warn(NOT_DECIDED, { ...concerned, error });
  };

  const fail = (animeId: AnimeId, concerned: readonly Pending[], error: unknown): void => {
    const result = resultOf(error);
    if (result === undefined) memories.forget(animeId);
    if (error instanceof RefusedStreamError) {
      refused.refuse(error);
    } else if (concerned.length > 0) {
      tell(error, {
        animeId,
        commands: concerned.length,
        correlationIds: correlationIdsOf(concerned),
      });
    }
    for (const pending of concerned) {
      if (result === undefined) pending.fail(bug(error));
      else pending.settle(result);
    }
  };

  const take = (queue: Queue, memory: AnimeMemory, most = Infinity): Batch => {
    if (queue.waiting.some((pending) => pending.isSettled())) {
      queue.waiting = queue.waiting.filter((pending) => !pending.isSettled());
    }
    const batch = decideInOrder(memory, queue.waiting, limits, most);
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
    push: (pending) =>
      enqueue(pending.command.animeId, (queue) => void queue.waiting.push(pending)),
    recheck: (animeId) => enqueue(animeId, (queue) => void (queue.recheck = true)),
    idle: async () => {
      if (queues.size > 0) await new Promise<void>((resolve) => void whenIdle.push(resolve));
    },
  };
};

/** None can be decided without the state. */
const takeAll = (queue: Queue): readonly Pending[] => {
  const all = queue.waiting;
  queue.waiting = [];
  return all;
};

const putBack = (queue: Queue, pendings: readonly Pending[]): void => {
  if (pendings.length > 0) queue.waiting = [...pendings, ...queue.waiting];
};

const answer = (memory: AnimeMemory, { steps }: Batch): void => {
  const first = memory.revision === 'no_stream' ? 0n : memory.revision + 1n;
  for (const step of steps) step.pending.settle(step.answer({ first, position: 0n }));
};

/** Decided on nothing it is appended, and so proved; with a key or a precondition it may not be. */
const isPlainListing = ({ command, options, conflicts }: Pending): boolean =>
  command.type === 'ListAnime' &&
  options.idempotencyKey === undefined &&
  options.ifMatch === undefined &&
  options.ifNoneMatch === undefined &&
  conflicts === 0;

const newestOf = ({ steps }: Batch): number =>
  Math.max(...steps.map(({ pending }) => pending.receivedAt));

const pendingsOf = ({ steps }: Batch): readonly Pending[] => steps.map(({ pending }) => pending);

const bug = (error: unknown): Error =>
  error instanceof Error
    ? error
    : new Error('Something was thrown that is no error', { cause: error });
