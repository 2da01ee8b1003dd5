import type { AnimeId } from '../domain/ids.js';
import type { StreamEvent } from '../wire/stream-event.js';
import type { Pending, Steps } from './applier.js';
import type { Claim } from './judge.js';

export interface LanesOptions {
  readonly count: number;
  readonly batchEvents: number;
  readonly apply: (pending: Pending, steps: Steps) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Deals events out by anime. A lane applies one batch at a time, in order; lanes overlap, so that
 * the thread that folds and the one that saves both have work. Holds at most two batches a lane.
 */
export const createLanes = ({ count, batchEvents, apply, signal }: LanesOptions) => {
  const steps: Steps = { heartbeat: () => Promise.resolve(), signal };

  const createLane = () => {
    let pending = new Map<AnimeId, Claim[]>();
    let size = 0;
    let running: Promise<void> = Promise.resolve();
    return {
      /** Answers whether the batch is full. */
      add(event: StreamEvent): boolean {
        const claims = pending.get(event.animeId);
        if (claims === undefined) pending.set(event.animeId, [event]);
        else claims.push(event);
        size += 1;
        return size >= batchEvents;
      },
      /** Begins with the batch once the one before it is saved. */
      async begin(): Promise<void> {
        await running;
        const batch = pending;
        pending = new Map();
        size = 0;
        running = apply(batch, steps);
        // Looked at when the next batch begins, or at the end.
        running.catch(() => undefined);
      },
      done: (): Promise<void> => running,
    };
  };
  const lanes = Array.from({ length: count }, createLane);

  return {
    /** What to wait for before the next one; it rejects with what an earlier batch failed with. */
    add(event: StreamEvent): Promise<void> | null {
      const lane = lanes[event.animeId % count];
      return lane?.add(event) === true ? lane.begin() : null;
    },

    async finish(): Promise<void> {
      for (const lane of lanes) await lane.begin();
      await Promise.all(lanes.map((lane) => lane.done()));
    },
  };
};
