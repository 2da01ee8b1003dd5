import { Long } from 'mongodb';
import type { AnimeId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DayKey,
  Guarded,
  InteractionDocument,
  InteractionKey,
} from '../../ports/read-store.js';
import { genreSpellings, searchText } from '../../wire/search-text.js';

/**
 * A stored document. The guard fields come first in `d`, because embedded documents are compared
 * field by field: see `guarded-writes.ts`. Texts from outside are only values, never field names.
 */
export interface StoredDocument<Document extends Guarded> {
  readonly _id: string;
  readonly d: Guarded & { readonly precedence: number } & Document;
}

export type StoredInteraction = StoredDocument<InteractionDocument>;

/** With the total by which days are ranked. */
export type StoredDay = StoredDocument<DailyActivityDocument & { readonly total: number }>;

/** With the fields by which titles are searched and ranked. */
export type StoredAnime = StoredDocument<
  AnimeDocument & {
    readonly listed: boolean;
    /** Null without ratings. */
    readonly average: number | null;
    /** The form in which texts are compared without regard to case and accents. */
    readonly titleKey: string;
    readonly typeKey: string | null;
    readonly genreKeys: readonly string[];
    /** Unknown sorts last. */
    readonly popularityKey: number;
  }
>;

export const interactionId = ({ animeId, userId }: InteractionKey): string =>
  `${animeId}:${userId}`;
export const dayId = ({ animeId, day }: DayKey): string => `${animeId}:${day}`;
export const animeIdText = (animeId: AnimeId): string => String(animeId);

/** A 64-bit integer in the database, read back as a number. */
const long = (value: number): number => Long.fromNumber(value) as unknown as number;

const guard = ({ generation, revision }: Guarded, precedence: number) => ({
  generation: long(generation),
  revision: long(revision),
  precedence: long(precedence),
});

export const storedInteraction = (
  document: InteractionDocument,
  precedence: number,
): StoredInteraction => ({
  _id: interactionId(document),
  d: {
    ...guard(document, precedence),
    ...interactionFields(document),
    ratings: document.ratings.map((entry) => ({ ...entry, revision: long(entry.revision) })),
  },
});

export const interactionFrom = ({ d }: StoredInteraction): InteractionDocument => ({
  generation: d.generation,
  revision: d.revision,
  ...interactionFields(d),
});

const interactionFields = (from: InteractionDocument) => ({
  animeId: from.animeId,
  userId: from.userId,
  clicks: from.clicks,
  views: from.views,
  seconds: from.seconds,
  lastClickAt: from.lastClickAt,
  lastViewAt: from.lastViewAt,
  ratings: from.ratings,
});

export const storedDay = (document: DailyActivityDocument, precedence: number): StoredDay => ({
  _id: dayId(document),
  d: {
    ...guard(document, precedence),
    ...dayFields(document),
    total: document.clicks + document.views + document.ratings,
  },
});

export const dayFrom = ({ d }: StoredDay): DailyActivityDocument => ({
  generation: d.generation,
  revision: d.revision,
  ...dayFields(d),
});

const dayFields = (from: DailyActivityDocument) => ({
  animeId: from.animeId,
  day: from.day,
  clicks: from.clicks,
  views: from.views,
  ratings: from.ratings,
  seconds: from.seconds,
});

export const storedAnime = (document: AnimeDocument, precedence: number): StoredAnime => ({
  _id: animeIdText(document.animeId),
  d: {
    ...guard(document, precedence),
    ...animeFields(document),
    skipped: document.skipped.map(long),
    listed: document.status === 'listed',
    average: document.ratingCount > 0 ? document.ratingSum / document.ratingCount : null,
    titleKey: searchText(document.details.title),
    typeKey: document.details.type === null ? null : searchText(document.details.type),
    genreKeys: [...genreSpellings(document.details.genres).keys()],
    popularityKey: document.details.popularity ?? Number.MAX_SAFE_INTEGER,
  },
});

export const animeFrom = ({ d }: StoredAnime): AnimeDocument => ({
  generation: d.generation,
  revision: d.revision,
  ...animeFields(d),
});

const animeFields = (from: AnimeDocument) => ({
  animeId: from.animeId,
  status: from.status,
  details: from.details,
  clicks: from.clicks,
  views: from.views,
  seconds: from.seconds,
  ratingCount: from.ratingCount,
  ratingSum: from.ratingSum,
  ratingBuckets: from.ratingBuckets,
  lastEventId: from.lastEventId,
  skipped: from.skipped,
});
