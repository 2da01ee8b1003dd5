import type { AnimeId } from '../domain/ids.js';
import type { Logger } from '../platform/logger.js';
import { decideInOrder, type Batch, type BatchLimits } from './batch.js';
import type { AnimeMemory } from './anime-memory.js';
import { resultOf } from './failures.js';
import type { Memories } from './memories.js';
import type { Pending } from './pending.js';

export interface AnimeQueue {
  readonly length: number;
  push(pending: Pending): void;
}

/**
 * The commands of one anime, one batch at a time: those that arrive while an append is under way are
 * decided together when it is done. `onIdle` is called when none waits.
 */
export const createAnimeQueue = (options: {
  readonly animeId: AnimeId;
  readonly memories: Memories;
  readonly limits: BatchLimits;
  readonly logger: Logger;
  /** Appends a batch and resolves to the commands that must be decided again. */
  readonly commit: (memory: AnimeMemory, batch: Batch) => Promise<readonly Pending[]>;
  readonly onIdle: () => void;
}): AnimeQueue => {
  const { animeId, memories, limits, logger, commit, onIdle } = options;
  let waiting: Pending[] = [];
  let running = false;

  const turn = async (): Promise<void> => {
    let concerned: readonly Pending[] = waiting;
    try {
      let memory = memories.cached(animeId) ?? (await memories.load(animeId));
      let batch = take(memory);
      concerned = pendingsOf(batch);
      // Without events nothing will tell whether the state was current, so the head must.
      if (batch.events.length === 0 && !(await memories.isCurrent(memory))) {
        memory = await memories.refresh(memory);
        waiting = [...concerned, ...waiting];
        batch = take(memory, concerned.length);
        concerned = pendingsOf(batch);
      }
      if (batch.events.length === 0) answer(memory, batch);
      else waiting = [...(await commit(memory, batch)), ...waiting];
    } catch (error) {
      fail(concerned, error);
    }
  };

  const take = (memory: AnimeMemory, most = Infinity): Batch => {
    waiting = waiting.filter((pending) => !pending.isSettled());
    const batch = decideInOrder(memory, waiting.slice(0, most), limits);
    waiting = waiting.slice(batch.steps.length);
    return batch;
  };

  const answer = (memory: AnimeMemory, { steps }: Batch): void => {
    const first = memory.revision === 'no_stream' ? 0n : memory.revision + 1n;
    for (const step of steps) step.pending.settle(step.answer({ first, position: 0n }));
  };

  const fail = (concerned: readonly Pending[], error: unknown): void => {
    const result = resultOf(error);
    if (result === undefined || result.kind === 'unreadable') memories.forget(animeId);
    logger.warn('Commands not decided', { animeId, commands: concerned.length, error });
    for (const pending of concerned) {
      if (result === undefined) pending.fail(bug(error));
      else pending.settle(result);
    }
    waiting = waiting.filter((pending) => !pending.isSettled());
  };

  const run = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) await turn();
    running = false;
    onIdle();
  };

  return {
    get length() {
      return waiting.length;
    },
    push: (pending) => {
      waiting.push(pending);
      if (!running) void run();
    },
  };
};

const pendingsOf = ({ steps }: Batch): readonly Pending[] => steps.map(({ pending }) => pending);

const bug = (error: unknown): Error =>
  error instanceof Error
    ? error
    : new Error('Something was thrown that is no error', { cause: error });
