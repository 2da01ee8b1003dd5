import { isAnimeId, type AnimeId } from '../domain/ids.js';

const PREFIX = 'anime:';

/** Opaque to clients, so that what a page goes on from may change. */
export const encodeCursor = (animeId: AnimeId): string =>
  Buffer.from(`${PREFIX}${animeId}`).toString('base64url');

/** Undefined for anything that `encodeCursor` would not have made. */
export const decodeCursor = (cursor: string): AnimeId | undefined => {
  const text = Buffer.from(cursor, 'base64url').toString();
  const animeId = text.startsWith(PREFIX) ? Number(text.slice(PREFIX.length)) : undefined;
  return isAnimeId(animeId) && encodeCursor(animeId) === cursor ? animeId : undefined;
};
