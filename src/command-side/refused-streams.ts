import type { AnimeId } from '../domain/ids.js';
import type { Logger } from '../platform/logger.js';
import type { Metrics } from '../platform/metrics.js';

/** Why no command can be decided on a stream until an operator has acted. */
export interface StreamProblem {
  readonly kind: 'unreadable' | 'truncated';
  readonly stream: string;
  /** The event that cannot be read, or the first that is still there. */
  readonly revision: bigint;
  readonly eventType: string;
  /** A sentence for a person. */
  readonly detail: string;
  /** What the operator does about it, a sentence. */
  readonly remedy: string;
}

/** The stream is readable for the event store and still not fit to decide on. */
export class RefusedStreamError extends Error {
  constructor(
    readonly animeId: AnimeId,
    readonly problem: StreamProblem,
  ) {
    super(problem.detail);
    this.name = 'RefusedStreamError';
  }
}

export interface RefusedStreams {
  refuse(error: RefusedStreamError): void;
  allow(animeId: AnimeId): void;
  all(): readonly StreamProblem[];
  /** The longest unchecked first, each once in a while; asking counts as checking. */
  due(): readonly AnimeId[];
}

/** More are refused all the same, and come onto the list as others leave it. */
const MAX_LISTED = 1_000;
const RECHECKED_AT_ONCE = 20;

/** The anime whose commands are refused: each is logged once, and looked at again until it is fit. */
export const createRefusedStreams = (options: {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly recheckAfterMs: number;
}): RefusedStreams => {
  const { logger, metrics, recheckAfterMs } = options;
  const refused = new Map<AnimeId, { problem: StreamProblem; checkedAt: number }>();
  const count = (): void => metrics.streamsRefused.set(refused.size);

  return {
    refuse: ({ animeId, problem }) => {
      const known = refused.get(animeId);
      if (known === undefined && refused.size >= MAX_LISTED) return;
      if (known?.problem.detail !== problem.detail) {
        logger.error('Commands of an anime are refused', { animeId, ...loggable(problem) });
      }
      // Once more at the end: a Map iterates in the order of insertion.
      refused.delete(animeId);
      refused.set(animeId, { problem, checkedAt: performance.now() });
      count();
    },
    allow: (animeId) => {
      if (!refused.delete(animeId)) return;
      logger.info('Commands of an anime are decided again', { animeId });
      count();
    },
    all: () => [...refused.values()].map(({ problem }) => problem),
    due: () => {
      const now = performance.now();
      const due = [...refused]
        .filter(([, { checkedAt }]) => now - checkedAt >= recheckAfterMs)
        .slice(0, RECHECKED_AT_ONCE);
      for (const [, entry] of due) entry.checkedAt = now;
      return due.map(([animeId]) => animeId);
    },
  };
};

const loggable = ({ revision, ...rest }: StreamProblem) => ({
  ...rest,
  revision: revision.toString(),
});
