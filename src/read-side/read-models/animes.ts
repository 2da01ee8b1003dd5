import type { AnimeId } from '../../domain/ids.js';
import type { RatingGiven } from '../../domain/events.js';
import type { AnimeDocument, RatingEntry } from '../../ports/read-store.js';
import { hundredthsOf, type Placed } from './interactions.js';

/**
 * One anime after the event; `replaced` is the same user's rating before it. An event that the
 * document holds already changes nothing.
 */
export const foldAnime = (
  document: AnimeDocument | null,
  placed: Placed,
  replaced: RatingEntry | null,
): AnimeDocument => {
  const { revision, id: lastEventId, generation, event } = placed;
  const before = document ?? neverListed(event.data.animeId, generation);
  if (revision <= before.revision) return before;
  switch (event.type) {
    case 'AnimeListed':
      return { ...before, revision, lastEventId, status: 'listed', details: event.data.details };
    case 'AnimeDetailsRevised':
      return { ...before, revision, lastEventId, details: event.data.details };
    case 'AnimeDelisted':
      return { ...before, revision, lastEventId, status: 'delisted' };
    case 'ClickRegistered':
      return { ...before, revision, lastEventId, clicks: before.clicks + 1 };
    case 'ViewRegistered':
      return {
        ...before,
        revision,
        lastEventId,
        views: before.views + 1,
        seconds: before.seconds + event.data.durationSeconds,
      };
    case 'RatingGiven':
      return { ...before, revision, lastEventId, ...rated(before, event, replaced) };
  }
};

/**
 * A stream may begin with interactions: logs that another system wrote know no catalogue. They
 * count, and the anime stays out of all lists until it is listed.
 */
const neverListed = (animeId: AnimeId, generation: number): AnimeDocument => ({
  generation,
  revision: -1,
  animeId,
  status: 'delisted',
  details: {
    title: `Anime ${animeId}`,
    description: null,
    image: null,
    type: null,
    episodes: null,
    genres: [],
    score: null,
    popularity: null,
    members: null,
  },
  clicks: 0,
  views: 0,
  seconds: 0,
  ratingCount: 0,
  ratingSum: 0,
  ratingBuckets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  lastEventId: '',
  skipped: [],
});

const rated = (before: AnimeDocument, event: RatingGiven, replaced: RatingEntry | null) => {
  const hundredths = hundredthsOf(event);
  const ratingBuckets = [...before.ratingBuckets];
  move(ratingBuckets, hundredths, 1);
  if (replaced === null) {
    return {
      ratingCount: before.ratingCount + 1,
      ratingSum: before.ratingSum + hundredths,
      ratingBuckets,
    };
  }
  move(ratingBuckets, replaced.hundredths, -1);
  return { ratingSum: before.ratingSum + hundredths - replaced.hundredths, ratingBuckets };
};

const move = (buckets: number[], hundredths: number, by: 1 | -1): void => {
  const index = Math.floor(hundredths / 100) - 1;
  buckets[index] = (buckets[index] ?? 0) + by;
};

const SKIPPED_KEPT = 100;

export interface PassedOver {
  readonly animeId: AnimeId;
  readonly revision: number;
  readonly id: string;
  readonly generation: number;
  /** Whether it can never apply; a type that a later version knows is only passed by. */
  readonly never: boolean;
}

/** The anime after an event that changes nothing but how far the stream has been followed. */
export const passOver = (
  document: AnimeDocument | null,
  { animeId, revision, id, generation, never }: PassedOver,
): AnimeDocument => {
  const before = document ?? neverListed(animeId, generation);
  if (revision <= before.revision) return before;
  const skipped = never ? [...before.skipped, revision].slice(-SKIPPED_KEPT) : before.skipped;
  return { ...before, revision, lastEventId: id, skipped };
};
