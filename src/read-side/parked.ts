import type { AnimeId } from '../domain/ids.js';
import { streamOf } from '../domain/stream-name.js';
import type { StreamTrouble } from '../platform/health.js';
import type { Logger } from '../platform/logger.js';
import type { Metrics } from '../platform/metrics.js';

export type AlarmKind = 'another-log' | 'parked';

export interface Parked {
  readonly kind: AlarmKind;
  readonly generation: number;
  readonly reason: string;
}

/** The anime that cannot be followed: each raises its alarm once, and is looked at again. */
export const createParkedAnimes = (logger: Logger, metrics: Metrics) => {
  const parked = new Map<AnimeId, Parked>();
  return {
    all: (): ReadonlyMap<AnimeId, Parked> => parked,

    get: (animeId: AnimeId): Parked | undefined => parked.get(animeId),

    isNews(animeId: AnimeId, kind: AlarmKind, generation: number): boolean {
      const known = parked.get(animeId);
      return known?.kind !== kind || known.generation !== generation;
    },

    park(animeId: AnimeId, why: Parked): void {
      parked.set(animeId, why);
      metrics.projectorAlarms.inc({ kind: why.kind });
      logger.error('An anime cannot be followed any more; the others go on', { animeId, ...why });
    },

    release(animeId: AnimeId): void {
      if (parked.delete(animeId)) logger.info('A parked anime is followed again', { animeId });
    },
  };
};

export type ParkedAnimes = ReturnType<typeof createParkedAnimes>;

/** An anime that is not followed any more stands still in the documents. */
export const troubleOfParked = ([animeId, parked]: readonly [AnimeId, Parked]): StreamTrouble => {
  const stream = streamOf(animeId);
  const replay = `anime-analytics dead-letters replay ${stream}`;
  return {
    stream,
    detail: `The documents of ${stream} stand still. ${parked.reason}`,
    remedy:
      parked.kind === 'another-log'
        ? replay
        : `Remove $maxCount, $maxAge and $tb from the metadata of ${stream}, then: ${replay}`,
  };
};
