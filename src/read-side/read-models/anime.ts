import { completeDetails } from '../../domain/details.js';
import type { AnimeEvent, RatingGiven } from '../../domain/events.js';
import type { AnimeId } from '../../domain/ids.js';
import type { AnimeDocument, RatingEntry } from '../../ports/read-store.js';
import type { EventsIgnored } from '../../wire/upcast.js';
import { addSeconds, type Draft, hundredthsOf, type Placed } from './interaction.js';

/** An anime's draft owns its buckets too. */
export type AnimeDraft = Draft<Omit<AnimeDocument, 'ratingBuckets'>> & { ratingBuckets: number[] };

/**
 * One anime after the event; `replaced` is the same user's rating before it. An event that the
 * document holds already changes nothing.
 */
export const foldAnime = (
  document: AnimeDocument | null,
  { revision, id, generation, event }: Placed,
  replaced: RatingEntry | null,
): AnimeDocument => {
  if (document !== null && revision <= document.revision) return document;
  const draft = animeDraft(document, event.data.animeId, generation);
  takeFact(draft, event, replaced);
  return Object.assign(draft, { revision, lastEventId: id });
};

/**
 * A stream may begin with interactions: logs that another system wrote know no catalogue. They
 * count, and the anime stays out of all lists until it is listed.
 */
export const animeDraft = (
  document: AnimeDocument | null,
  animeId: AnimeId,
  generation: number,
): AnimeDraft => {
  if (document !== null) return { ...document, ratingBuckets: [...document.ratingBuckets] };
  return {
    generation,
    revision: -1,
    animeId,
    status: 'delisted',
    details: completeDetails({ title: `Anime ${animeId}` }),
    clicks: 0,
    views: 0,
    seconds: 0,
    ratingCount: 0,
    ratingSum: 0,
    ratingBuckets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    lastEventId: '',
    skipped: [],
  };
};

/** What a fact changes; how far the stream is followed is the caller's to note. */
export const takeFact = (
  draft: AnimeDraft,
  event: AnimeEvent,
  replaced: RatingEntry | null,
): void => {
  switch (event.type) {
    case 'AnimeListed':
      draft.status = 'listed';
      draft.details = event.data.details;
      return;
    case 'AnimeDetailsRevised':
      draft.details = event.data.details;
      return;
    case 'AnimeDelisted':
      draft.status = 'delisted';
      return;
    case 'ClickRegistered':
      draft.clicks += 1;
      return;
    case 'ViewRegistered':
      draft.views += 1;
      draft.seconds = addSeconds(draft.seconds, event.data.durationSeconds);
      return;
    case 'RatingGiven':
      takeRating(draft, event, replaced);
  }
};

const takeRating = (draft: AnimeDraft, event: RatingGiven, replaced: RatingEntry | null): void => {
  const hundredths = hundredthsOf(event);
  draft.ratingSum += hundredths;
  move(draft.ratingBuckets, hundredths, 1);
  if (replaced === null) {
    draft.ratingCount += 1;
    return;
  }
  draft.ratingSum -= replaced.hundredths;
  move(draft.ratingBuckets, replaced.hundredths, -1);
};

const move = (buckets: number[], hundredths: number, by: 1 | -1): void => {
  const index = Math.floor(hundredths / 100) - 1;
  buckets[index] = (buckets[index] ?? 0) + by;
};

const SKIPPED_KEPT = 100;

/** Notes a stored event that cannot be read, and so does not count. */
export const noteSkipped = (draft: AnimeDraft, revision: number): void => {
  draft.skipped = [...draft.skipped, revision].slice(-SKIPPED_KEPT);
};

/** The operator decided to go on without: nobody needs to look at these any more. */
export const forgetSkipped = (draft: AnimeDraft, { from, to }: EventsIgnored): void => {
  draft.skipped = draft.skipped.filter((revision) => revision < from || revision > to);
};
