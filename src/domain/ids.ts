declare const brand: unique symbol;

/** A MyAnimeList id: a whole number from 1 to 2^31-1. */
export type AnimeId = number & { readonly [brand]: 'AnimeId' };

/** Who clicked, viewed or rated: 1 to 128 well-formed characters, not blank, no control characters. */
export type UserId = string & { readonly [brand]: 'UserId' };

export const MAX_ANIME_ID = 2 ** 31 - 1;
export const MAX_USER_ID_LENGTH = 128;

const CONTROL_CHARACTER = /\p{Cc}/u;

export const isAnimeId = (value: unknown): value is AnimeId =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_ANIME_ID;

/** Lone surrogates are refused because stores fold them all to U+FFFD: two users would become one. */
export const isUserId = (value: unknown): value is UserId =>
  typeof value === 'string' &&
  value.length >= 1 &&
  value.length <= MAX_USER_ID_LENGTH &&
  value.isWellFormed() &&
  value.trim() !== '' &&
  !CONTROL_CHARACTER.test(value);
