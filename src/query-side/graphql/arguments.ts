import { type AnimeId, isAnimeId, isUserId, type UserId } from '../../domain/ids.js';
import { CONTROL_CHARACTER } from '../../domain/rules.js';
import type { SortBy } from '../../ports/read-store.js';
import type { Position } from '../../ports/event-store.js';
import { positionOfResumeId } from '../subscriptions/event-feed.js';
import { badUserInput } from './errors.js';

/**
 * Checks that GraphQL's types do not express. Null counts as absent: clients send it for variables
 * that are not set.
 */
type OrNull<T> = T | null | undefined;

export const MAX_PAGE_SIZE = 100;
const MAX_PAGE = 1_000_000;
const MAX_DAYS = 3650;
const MAX_TEXT_LENGTH = 200;
const MAX_GENRES = 50;
const MIN_REVISION = /^(?:0|[1-9][0-9]{0,18})$/;

const wholeArgument = (name: string, given: OrNull<number>, fallback: number, maximum: number) => {
  const value = given ?? fallback;
  if (value >= 1 && value <= maximum) return value;
  throw badUserInput(name, `${name} must be a whole number from 1 to ${maximum}.`);
};

export const pageSizeOf = (
  name: 'limit' | 'pageSize' | 'first' | 'newest',
  given: OrNull<number>,
  fallback: number,
): number => wholeArgument(name, given, fallback, MAX_PAGE_SIZE);

/** Bounded so that no offset overflows a store's integers. */
export const pageOf = (given: OrNull<number>): number => wholeArgument('page', given, 1, MAX_PAGE);

export const daysArgument = (given: OrNull<number>): number =>
  wholeArgument('days', given, 7, MAX_DAYS);

/** The UTC day that many days before today. */
export const sinceDay = (now: Date, days: number): string =>
  new Date(now.getTime() - days * 86_400_000).toISOString().slice(0, 10);

/** A decimal string. Above 2^53 the number is not exact, but no stream gets there. */
export const minRevisionOf = (given: OrNull<string>): number | undefined => {
  if (given === null || given === undefined) return undefined;
  if (MIN_REVISION.test(given)) return Number(given);
  throw badUserInput('minRevision', 'minRevision must be a revision as a decimal string.');
};

export const userIdOf = (given: string): UserId => {
  if (isUserId(given)) return given;
  throw badUserInput(
    'userId',
    'userId must be 1 to 128 well-formed characters, not blank and without control characters.',
  );
};

export const afterOf = (given: OrNull<string>): AnimeId | null => {
  if (given === null || given === undefined) return null;
  const animeId = decodeCursor(given);
  if (animeId !== undefined) return animeId;
  throw badUserInput('after', 'after must be a cursor of an earlier page.');
};

export interface AnimeFiltersInput {
  readonly search?: OrNull<string>;
  readonly type?: OrNull<string>;
  readonly genres?: OrNull<readonly string[]>;
  readonly minScore?: OrNull<number>;
  readonly sortBy?: OrNull<string>;
}

/** Empty texts and lists count as absent: an empty search box sends them. */
export const filtersOf = (given: OrNull<AnimeFiltersInput>) => {
  const { search, type, genres, minScore, sortBy } = given ?? {};
  if (genres && genres.length > MAX_GENRES) {
    throw badUserInput('filters.genres', `filters.genres takes at most ${MAX_GENRES} genres.`);
  }
  return {
    ...(search ? { search: filterText('filters.search', search) } : {}),
    ...(type ? { type: filterText('filters.type', type) } : {}),
    ...(genres?.length
      ? { genres: genres.map((genre) => filterText('filters.genres', genre)) }
      : {}),
    ...(typeof minScore === 'number' ? { minScore } : {}),
    sortBy: sortByOf(sortBy),
  };
};

const filterText = (name: string, text: string): string => {
  if (text.length <= MAX_TEXT_LENGTH && text.isWellFormed() && !CONTROL_CHARACTER.test(text)) {
    return text;
  }
  throw badUserInput(
    name,
    `${name} takes at most ${MAX_TEXT_LENGTH} well-formed characters without control characters.`,
  );
};

const SORT_ORDERS: ReadonlySet<string> = new Set([
  'popularity',
  'score',
  'title',
  'views',
] satisfies SortBy[]);

const isSortBy = (text: string): text is SortBy => SORT_ORDERS.has(text);

const sortByOf = (given: OrNull<string>): SortBy => {
  const sortBy = given ?? 'popularity';
  if (isSortBy(sortBy)) return sortBy;
  throw badUserInput('filters.sortBy', 'filters.sortBy must be popularity, score, title or views.');
};

const CURSOR_PREFIX = 'anime:';

/** Opaque to clients, so that the order of pages may change. */
export const encodeCursor = (animeId: AnimeId): string =>
  Buffer.from(`${CURSOR_PREFIX}${animeId}`).toString('base64url');

/** Undefined for anything that `encodeCursor` does not return. */
export const decodeCursor = (cursor: string): AnimeId | undefined => {
  const text = Buffer.from(cursor, 'base64url').toString();
  const animeId = text.startsWith(CURSOR_PREFIX)
    ? Number(text.slice(CURSOR_PREFIX.length))
    : undefined;
  return isAnimeId(animeId) && encodeCursor(animeId) === cursor ? animeId : undefined;
};

/** A cursor for a place in a list that only grows. */
export const encodePlace = (list: string, place: number): string =>
  Buffer.from(`${list}:${place}`).toString('base64url');

export const decodePlace = (list: string, cursor: string): number => {
  const place = Number(
    Buffer.from(cursor, 'base64url')
      .toString()
      .slice(list.length + 1),
  );
  const isOurs = Number.isSafeInteger(place) && encodePlace(list, place) === cursor;
  if (isOurs && place >= 0) return place;
  throw badUserInput('after', 'after must be a cursor of an earlier page.');
};

const MAX_FILTER_TYPES = 50;

/** Null: all of them. */
export const eventTypesOf = (given: OrNull<readonly string[]>): ReadonlySet<string> | null => {
  if (given === null || given === undefined || given.length === 0) return null;
  if (given.length <= MAX_FILTER_TYPES && given.every((type) => type.length <= MAX_TEXT_LENGTH)) {
    return new Set(given);
  }
  throw badUserInput(
    'types',
    `types takes at most ${MAX_FILTER_TYPES} types of at most ${MAX_TEXT_LENGTH} characters.`,
  );
};

/** Null: from now on. */
export const resumePositionOf = (lastEventId: string | undefined): Position | null => {
  if (lastEventId === undefined || lastEventId === '') return null;
  const position = positionOfResumeId(lastEventId);
  if (position !== undefined) return position;
  throw badUserInput('Last-Event-ID', 'Last-Event-ID must be the id of an earlier message.');
};
