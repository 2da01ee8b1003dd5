import type { AnimeId, UserId } from '../../../src/domain/ids.js';
import type {
  AnimeDocument,
  AnimeSearch,
  DailyActivityDocument,
  InteractionDocument,
  SortBy,
} from '../../../src/ports/read-store.js';
import { searchText } from '../../../src/wire/search-text.js';
import { byCodePoints } from './given.js';

/** The queries of the port, computed the slow way over plain lists. */

export interface Catalogue {
  readonly animes: readonly AnimeDocument[];
  readonly days: readonly DailyActivityDocument[];
  readonly interactions: readonly InteractionDocument[];
}

type Order = (a: AnimeDocument, b: AnimeDocument) => number;

const descending =
  (value: (anime: AnimeDocument) => number): Order =>
  (a, b) =>
    value(b) - value(a);

/** Sorts by the first order that tells two apart, and finally by id. */
const ordered = (animes: readonly AnimeDocument[], ...orders: readonly Order[]): AnimeDocument[] =>
  animes.toSorted((a, b) => {
    const difference = orders.map((order) => order(a, b)).find((result) => result !== 0);
    return difference ?? a.animeId - b.animeId;
  });

const views = descending((anime) => anime.views);
const score = descending((anime) => anime.details.score ?? -1);
const average = (anime: AnimeDocument): number => anime.ratingSum / anime.ratingCount;

const SORTS: Readonly<Record<SortBy, Order>> = {
  popularity: descending((anime) => -(anime.details.popularity ?? Number.MAX_VALUE)),
  score,
  title: (a, b) => byCodePoints(searchText(a.details.title), searchText(b.details.title)),
  views,
};

const keysOf = (genres: readonly string[]): ReadonlySet<string> => new Set(genres.map(searchText));

const listed = ({ animes }: Catalogue): AnimeDocument[] =>
  animes.filter(({ status }) => status === 'listed');

export const topByViews = (catalogue: Catalogue, limit: number) =>
  ordered(
    listed(catalogue).filter((anime) => anime.views > 0),
    views,
  ).slice(0, limit);

export const topByRating = (catalogue: Catalogue, limit: number, minRatings: number) =>
  ordered(
    listed(catalogue).filter((anime) => anime.ratingCount >= minRatings),
    descending(average),
    descending((anime) => anime.ratingCount),
  ).slice(0, limit);

export const search = (catalogue: Catalogue, query: AnimeSearch) => {
  const { search: part, type, genres = [], minScore } = query;
  const matches = listed(catalogue).filter(
    ({ details }) =>
      (part === undefined || searchText(details.title).includes(searchText(part))) &&
      (type === undefined ||
        (details.type !== null && searchText(details.type) === searchText(type))) &&
      (genres.length === 0 ||
        genres.some((genre) => keysOf(details.genres).has(searchText(genre)))) &&
      (minScore === undefined || (details.score !== null && details.score >= minScore)),
  );
  const items = ordered(matches, SORTS[query.sortBy]);
  return { items: items.slice(query.offset, query.offset + query.limit), total: matches.length };
};

export const trending = (catalogue: Catalogue, sinceDay: string, limit: number) => {
  const recent = ({ animeId }: AnimeDocument): number =>
    catalogue.days
      .filter((day) => day.animeId === animeId && day.day >= sinceDay)
      .reduce((sum, day) => sum + day.clicks + day.views + day.ratings, 0);
  return ordered(
    listed(catalogue).filter((anime) => recent(anime) > 0),
    descending(recent),
    views,
  ).slice(0, limit);
};

export const recommended = (catalogue: Catalogue, basedOn: AnimeId, limit: number) => {
  const given = catalogue.animes.find(({ animeId }) => animeId === basedOn);
  const genres = keysOf(given?.details.genres ?? []);
  const shared = ({ details }: AnimeDocument): number =>
    [...keysOf(details.genres)].filter((key) => genres.has(key)).length;
  const others = listed(catalogue).filter(({ animeId }) => animeId !== basedOn);
  return genres.size === 0
    ? ordered(others, score).slice(0, limit)
    : ordered(
        others.filter((anime) => shared(anime) > 0),
        descending(shared),
        score,
      ).slice(0, limit);
};

export const genres = (catalogue: Catalogue): (string | undefined)[] => {
  const spellings = listed(catalogue).flatMap(({ details }) => details.genres);
  return [...keysOf(spellings)]
    .sort(byCodePoints)
    .map((key) => spellings.filter((one) => searchText(one) === key).sort(byCodePoints)[0]);
};

export const interactionsOf = (
  { interactions }: Catalogue,
  userId: UserId,
  first: number,
  after: AnimeId | null,
) => {
  const all = interactions
    .filter((one) => one.userId === userId && one.animeId > (after ?? 0))
    .toSorted((a, b) => a.animeId - b.animeId);
  return { items: all.slice(0, first), hasMore: all.length > first };
};
