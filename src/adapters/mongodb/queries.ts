import type { AnimeDocument, ReadQueries } from '../../ports/read-store.js';
import { genreSpellings } from '../../wire/search-text.js';
import {
  bestRated,
  inOneBatch,
  interactionsAfter,
  mostViewed,
  searched,
  type Asked,
} from './asked.js';
import type { Connection } from './connection.js';
import { genresWithin } from './genres.js';
import { recommended } from './recommended.js';
import { animeIdText, animeOf, interactionOf } from './stored-documents.js';
import { trending } from './trending.js';
import type { VersionAccess } from './version-access.js';
import type { VersionCollections } from './version-collections.js';

/** The queries of a version. */
export const readQueries = (
  name: string,
  { connection, access }: { readonly connection: Connection; readonly access: VersionAccess },
): ReadQueries => {
  const { ask, whileOpen, timeoutMs: maxTimeMS } = connection;

  const read = <T>(question: (collections: VersionCollections) => Promise<T>): Promise<T> =>
    whileOpen(() => access.read(name, ({ near }) => ask(() => question(near))));

  const first = async (
    { animes }: VersionCollections,
    { filter, sort }: Asked,
    { offset = 0, limit }: { readonly offset?: number; readonly limit: number },
  ): Promise<readonly AnimeDocument[]> => {
    // To the server a limit of none is no limit.
    if (limit < 1) return [];
    const found = animes
      .find(filter, { maxTimeMS, ...inOneBatch(limit) })
      .sort(sort)
      .skip(offset)
      .limit(limit);
    return (await found.toArray()).map((one) => animeOf(one));
  };

  return {
    anime: (id) =>
      read(async ({ animes }) => {
        const found = await animes.findOne({ _id: animeIdText(id) }, { maxTimeMS });
        return found === null ? null : animeOf(found);
      }),

    topByViews: (limit) => read((version) => first(version, mostViewed(), { limit })),

    topByRating: (limit, minRatings) =>
      read((version) => first(version, bestRated(minRatings), { limit })),

    search: (query) =>
      read(async (version) => {
        const asked = searched(query);
        const [items, total] = await Promise.all([
          first(version, asked, query),
          version.animes.countDocuments(asked.filter, { maxTimeMS }),
        ]);
        return { items, total };
      }),

    trending: (sinceDay, limit) =>
      read((version) => trending(version, { sinceDay, limit, maxTimeMS })),

    recommended: (basedOn, limit) =>
      read((version) => recommended(version, { basedOn, limit, maxTimeMS })),

    genres: () =>
      read(async (version) => {
        const found = await genresWithin(version, maxTimeMS);
        const spellings = genreSpellings(found as readonly string[]);
        const keys = [...spellings.keys()].sort(byBytes);
        return keys.flatMap((key) => spellings.get(key) ?? []);
      }),

    interactionsOf: (userId, count, after) =>
      read(async ({ interactions }) => {
        const { filter, sort } = interactionsAfter(userId, after);
        const found = await interactions
          .find(filter, { maxTimeMS, ...inOneBatch(count + 1) })
          .sort(sort)
          .limit(count + 1)
          .toArray();
        const items = found.slice(0, count).map((one) => interactionOf(one));
        return { items, hasMore: found.length > count };
      }),
  };
};

/** The order of the server's own sorting, which `distinct` leaves to its caller. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
