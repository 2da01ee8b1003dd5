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
