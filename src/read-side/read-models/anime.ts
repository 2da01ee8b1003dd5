import { completeDetails } from '../../domain/details.js';
import type { AnimeEvent, RatingGiven } from '../../domain/events.js';
import type { AnimeId } from '../../domain/ids.js';
import type { AnimeDocument, RatingEntry } from '../../ports/read-store.js';
import type { EventsIgnored } from '../../wire/upcast.js';
import { addSeconds, type DocumentDraft, hundredthsOf } from './interaction.js';

/** The rating buckets are a copy, too. */
export type AnimeDraft = DocumentDraft<Omit<AnimeDocument, 'ratingBuckets'>> & {
  ratingBuckets: number[];
};

/**
 * A stream may begin with interactions, if a system without a catalogue wrote it. They count, and
 * the anime stays out of all lists until it is listed.
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

/** The caller sets the revision. `replaced` is the user's previous rating. */
export const applyToAnime = (
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
      applyRating(draft, event, replaced);
  }
};

const applyRating = (draft: AnimeDraft, event: RatingGiven, replaced: RatingEntry | null): void => {
  const hundredths = hundredthsOf(event);
  draft.ratingSum += hundredths;
  countInBucket(draft.ratingBuckets, hundredths, 1);
  if (replaced === null) {
    draft.ratingCount += 1;
    return;
  }
  draft.ratingSum -= replaced.hundredths;
  countInBucket(draft.ratingBuckets, replaced.hundredths, -1);
};

const countInBucket = (buckets: number[], hundredths: number, by: 1 | -1): void => {
  const index = Math.floor(hundredths / 100) - 1;
  buckets[index] = (buckets[index] ?? 0) + by;
};

const SKIPPED_KEPT = 100;

/** Notes a stored event that cannot be read and is not counted. */
export const noteSkipped = (draft: AnimeDraft, revision: number): void => {
  draft.skipped = [...draft.skipped, revision].slice(-SKIPPED_KEPT);
};

/** An operator decided to ignore these events. */
export const forgetSkipped = (draft: AnimeDraft, { from, to }: EventsIgnored): void => {
  draft.skipped = draft.skipped.filter((revision) => revision < from || revision > to);
};
