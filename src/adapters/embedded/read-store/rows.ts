import type { AnimeId, UserId } from '../../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
} from '../../../ports/read-store.js';
import { genreSpellings, searchText } from '../../../wire/search-text.js';
import { nulFree, withNul } from '../../../embedded-eventstore/nul-free.js';

/** Documents as rows and back. A row costs mostly its bytes, so those of which there are many are small. */

type Instant = string | number | null;

export type InteractionRow = [
  animeId: number,
  userId: string,
  generation: number,
  revision: number,
  clicks: number,
  views: number,
  seconds: number,
  lastClick: Instant,
  lastView: Instant,
  ratings: string | null,
];

export const interactionRow = (document: InteractionDocument): InteractionRow => [
  document.animeId,
  nulFree(document.userId),
  document.generation,
  document.revision,
  document.clicks,
  document.views,
  document.seconds,
  instant(document.lastClickAt),
  instant(document.lastViewAt),
  document.ratings.length === 0 ? null : JSON.stringify(document.ratings),
];

export const interactionOf = (row: InteractionRow): InteractionDocument => ({
  animeId: row[0] as AnimeId,
  userId: withNul(row[1]) as UserId,
  generation: row[2],
  revision: row[3],
  clicks: row[4],
  views: row[5],
  seconds: row[6],
  lastClickAt: textOf(row[7]),
  lastViewAt: textOf(row[8]),
  ratings: row[9] === null ? [] : (JSON.parse(row[9]) as InteractionDocument['ratings']),
});

/** Milliseconds where the text comes back the same from them, else the text. */
const instant = (text: string | null): Instant => {
  if (text === null) return null;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text ? ms : nulFree(text);
};

const textOf = (stored: Instant): string | null =>
  typeof stored === 'number'
    ? new Date(stored).toISOString()
    : stored === null
      ? null
      : withNul(stored);

export type DayRow = [
  animeId: number,
  day: string,
  generation: number,
  revision: number,
  clicks: number,
  views: number,
  ratings: number,
  seconds: number,
  total: number,
];

export const dayRow = (document: DailyActivityDocument): DayRow => [
  document.animeId,
  nulFree(document.day),
  document.generation,
  document.revision,
  document.clicks,
  document.views,
  document.ratings,
  document.seconds,
  document.clicks + document.views + document.ratings,
];

export const dayOf = (row: DayRow): DailyActivityDocument => ({
  animeId: row[0] as AnimeId,
  day: withNul(row[1]),
  generation: row[2],
  revision: row[3],
  clicks: row[4],
  views: row[5],
  ratings: row[6],
  seconds: row[7],
});

export type AnimeRow = [
  animeId: number,
  generation: number,
  revision: number,
  views: number,
  average: number | null,
  ratingCount: number,
  facets: string | null,
  document: string,
];

export const animeRow = (document: AnimeDocument): AnimeRow => [
  document.animeId,
  document.generation,
  document.revision,
  document.views,
  document.ratingCount > 0 ? document.ratingSum / document.ratingCount : null,
  document.ratingCount,
  document.status === 'listed' ? facetsOf(document) : null,
  JSON.stringify(document),
];

export const animeOf = (document: string): AnimeDocument => JSON.parse(document) as AnimeDocument;

/** What a listed anime is searched by. */
const facetsOf = ({ details }: AnimeDocument): string => {
  const genres = [...genreSpellings(details.genres)];
  return JSON.stringify({
    title: textKey(details.title),
    type: details.type === null ? null : textKey(details.type),
    score: details.score,
    popularity: details.popularity,
    genres: genres.map(([key, spelling]) => [nulFree(key), nulFree(spelling)]),
    genreSet: genreSet(genres.map(([key]) => key)),
  });
};

/** Keys of genres as one text, each between line ends, which none of them has in it when it is JSON. */
const genreSet = (keys: readonly string[]): string => ['', ...keys.map(asJson), ''].join('\n');

/** Stands in the set of a title that has the genre, and in no other. */
export const genreInSet = (genre: string): string => `\n${asJson(searchText(genre))}\n`;

const asJson = (text: string): string => JSON.stringify(text);

/** How a text is stored, and asked for, where case and accents do not matter. */
export const textKey = (text: string): string => nulFree(searchText(text));
