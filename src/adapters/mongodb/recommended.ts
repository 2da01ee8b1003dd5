import type { AnimeId } from '../../domain/ids.js';
import type { AnimeDocument } from '../../ports/read-store.js';
import { inOneBatch, othersByScore, sharingGenres } from './asked.js';
import { LISTED } from './search.js';
import { animeIdText, animeOf } from './stored-documents.js';
import type { VersionCollections } from './version-collections.js';

interface Recommending {
  readonly basedOn: AnimeId;
  readonly limit: number;
  readonly maxTimeMS: number;
}

/** Titles that share genres, most shared first, then best score; without genres, best score. */
export const recommended = async (
  { animes }: VersionCollections,
  { basedOn, limit, maxTimeMS }: Recommending,
): Promise<readonly AnimeDocument[]> => {
  if (limit < 1) return [];
  const given = await animes.findOne({ _id: animeIdText(basedOn) }, { maxTimeMS });
  const genres = new Set(given?.d.genreKeys);
  if (genres.size === 0) {
    const { filter, sort } = othersByScore(basedOn);
    const options = { maxTimeMS, ...inOneBatch(limit) };
    const best = animes.find(filter, options).sort(sort).limit(limit);
    return (await best.toArray()).map((one) => animeOf(one));
  }
  const { filter, sort } = sharingGenres(basedOn, [...genres]);
  const sharing = animes
    .find(filter, { projection: { 'd.genreKeys': 1 }, maxTimeMS, batchSize: 1000 })
    .sort(sort);
  const ids = await mostShared(sharing, genres, limit);
  const options = { maxTimeMS, ...inOneBatch(ids.length) };
  const found = await animes.find({ _id: { $in: ids }, ...LISTED }, options).toArray();
  const documents = new Map(found.map((one) => [one._id, animeOf(one)]));
  return ids.flatMap((id) => documents.get(id) ?? []);
};

type Sharing = AsyncIterable<{
  readonly _id: string;
  readonly d: { readonly genreKeys: readonly string[] };
}>;

/**
 * They come best score first, so the first few of each number of shared genres are the ones to keep,
 * and once enough share all of them nothing better can come. (To count what is shared in the server
 * takes an expression that not every server of this protocol has.)
 */
const mostShared = async (
  sharing: Sharing,
  genres: ReadonlySet<string>,
  limit: number,
): Promise<readonly string[]> => {
  const byShared = Array.from({ length: genres.size + 1 }, (): string[] => []);
  for await (const { _id, d } of sharing) {
    const shared = d.genreKeys.filter((genre) => genres.has(genre)).length;
    const bucket = byShared[shared] ?? [];
    if (bucket.length < limit) bucket.push(_id);
    if (shared === genres.size && bucket.length === limit) break;
  }
  return byShared.toReversed().flat().slice(0, limit);
};
