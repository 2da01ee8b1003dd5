import { CONTROL_CHARACTERS, LONE_SURROGATES, textCheck, type TextRule } from './rules.js';

declare const brand: unique symbol;

/** A MyAnimeList id: a whole number from 1 to 2^31-1. */
export type AnimeId = number & { readonly [brand]: 'AnimeId' };

/** Who clicked, viewed or rated; a text by the rule `USER_ID`. */
export type UserId = string & { readonly [brand]: 'UserId' };

export const MAX_ANIME_ID = 2 ** 31 - 1;
export const USER_ID: TextRule = {
  maxLength: 128,
  forbidden: [LONE_SURROGATES, CONTROL_CHARACTERS],
};

export const isAnimeId = (value: unknown): value is AnimeId =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_ANIME_ID;

const keepsUserIdRule = textCheck(USER_ID);

export const isUserId = (value: unknown): value is UserId => keepsUserIdRule(value);

/** The category of all anime streams; EventStoreDB derives it from the part before the first dash. */
const ANIME_CATEGORY = 'anime';

export const ANIME_STREAM_PREFIX = `${ANIME_CATEGORY}-`;

export const streamOf = (animeId: AnimeId): string => `${ANIME_STREAM_PREFIX}${animeId}`;

const ANIME_STREAM = /^anime-[1-9][0-9]{0,9}$/;

/** The anime whose history a stream holds; undefined for any other stream. */
export const animeIdOf = (stream: string): AnimeId | undefined => {
  if (!ANIME_STREAM.test(stream)) return undefined;
  const id = Number(stream.slice(ANIME_STREAM_PREFIX.length));
  return isAnimeId(id) ? id : undefined;
};
