import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventLogLogger } from '../log/event-log.js';
import { isLinkStream } from '../log/link-rules.js';
import type { ProjectedLog } from '../log/projection-store.js';
import type { ManagedProjection } from './managed-projection.js';

export interface FeedingOptions {
  readonly log: ProjectedLog;
  readonly logger: EventLogLogger;
  readonly projections: () => Iterable<ManagedProjection>;
}

export interface Feeding {
  /** A projection has processed everything that it was given. */
  readonly idle: () => void;
  stop(): Promise<void>;
}

/** A busy log is read in larger pieces: what projections emit causes the next piece. */
const FEED_AFTER_MS = 50;
const FEED_EVERY_MS = 250;
/** Projections that read at the same time: a core is left to commands. */
const AT_ONCE = Math.max(1, availableParallelism() - 1);
/** How long the others wait for the ones that read. */
const TURN_MS = 100;

/** Tells projections how far they may read, from now until it is stopped. */
export const startFeeding = ({ log, logger, projections }: FeedingOptions): Feeding => {
  const closing = new AbortController();
  const { signal } = closing;
  const news = createFlag();
  const finished = createFlag();

  /** Resolves when they have processed what they were given, or their turn is over. */
  const turnOf = async (reading: readonly ManagedProjection[]): Promise<void> => {
    const over = AbortSignal.timeout(TURN_MS);
    over.addEventListener('abort', finished.raise);
    while (!over.aborted && reading.some((projection) => projection.waiting() === undefined)) {
      await finished.raised();
    }
    over.removeEventListener('abort', finished.raise);
  };

  const feed = async (): Promise<void> => {
    const upTo = Number(log.lastPosition());
    const behind = [...projections()].filter((projection) => {
      const wait = projection.waiting();
      return wait !== undefined && wait.upTo < upTo;
    });
    const readsLinks = behind.some((projection) =>
      projection.waiting()?.sources.streams.some(isLinkStream),
    );
    if (readsLinks) await log.indexLinks();
    while (behind.length > 0 && !signal.aborted) {
      const next = behind.splice(0, AT_ONCE).filter((one) => one.waiting() !== undefined);
      for (const projection of next) projection.advance(upTo);
      await turnOf(next);
    }
  };

  const feedUntilStopped = async (): Promise<void> => {
    let fedAt = -Infinity;
    for (;;) {
      await news.raised();
      const wait = Math.max(FEED_AFTER_MS, fedAt + FEED_EVERY_MS - performance.now());
      await delay(wait, undefined, { signal });
      fedAt = performance.now();
      try {
        await feed();
      } catch (error) {
        logger.warn('new events could not be passed to projections', { error });
      }
    }
  };

  const noteCommits = async (): Promise<void> => {
    let seen = -1n;
    while (!signal.aborted) {
      await log.projections.nextCommit(signal);
      const position = log.lastPosition();
      if (position !== seen) news.raise();
      seen = position;
    }
  };

  const untilStopped = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      logger.warn('projections stopped receiving new events', { error });
    }
  };
  const running = [feedUntilStopped, noteCommits].map(untilStopped);

  return {
    idle: () => {
      finished.raise();
      news.raise();
    },
    stop: async () => {
      closing.abort();
      news.raise();
      finished.raise();
      await Promise.all(running);
    },
  };
};

/** Stays raised until somebody has waited for it; one waits at a time. */
const createFlag = () => {
  let isRaised = false;
  let wake: () => void = () => undefined;
  return {
    raise: (): void => {
      isRaised = true;
      wake();
    },
    raised: async (): Promise<void> => {
      if (!isRaised) await new Promise<void>((resolve) => (wake = resolve));
      isRaised = false;
    },
  };
};
