import { isAnimeId, type AnimeId } from './ids.js';

/** The category of all anime streams; EventStoreDB derives it from the part before the first dash. */
const ANIME_CATEGORY = 'anime';

export const ANIME_STREAM_PREFIX = `${ANIME_CATEGORY}-`;

export const streamOf = (animeId: AnimeId): string => `${ANIME_STREAM_PREFIX}${animeId}`;

const ANIME_STREAM = /^anime-([1-9][0-9]{0,9})$/;

/** The anime whose history a stream holds; undefined for any other stream. */
export const animeIdOf = (stream: string): AnimeId | undefined => {
  const digits = ANIME_STREAM.exec(stream)?.[1];
  if (digits === undefined) return undefined;
  const id = Number(digits);
  return isAnimeId(id) ? id : undefined;
};
