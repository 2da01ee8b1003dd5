import type { Document, Sort } from 'mongodb';
import type { AnimeDocument, ReadQueries } from '../../ports/read-store.js';
import type { Connection } from './connection.js';
import { recommended } from './recommended.js';
import { BY_AVERAGE, LISTED, ORDERS, searchFilter } from './search.js';
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
    filter: Document,
    { sort, offset = 0, limit }: { sort: Sort; offset?: number; limit: number },
  ): Promise<readonly AnimeDocument[]> => {
    // To the server a limit of none is no limit.
    if (limit < 1) return [];
    const found = animes.find(filter, { maxTimeMS }).sort(sort).skip(offset).limit(limit);
    return (await found.toArray()).map((one) => animeOf(one));
  };

  return {
    anime: (id) =>
      read(async ({ animes }) => {
        const found = await animes.findOne({ _id: animeIdText(id) }, { maxTimeMS });
        return found === null ? null : animeOf(found);
      }),

    topByViews: (limit) =>
      read((version) =>
        first(version, { ...LISTED, 'd.views': { $gt: 0 } }, { sort: ORDERS.views, limit }),
      ),

    topByRating: (limit, minRatings) =>
      read((version) =>
        first(
          version,
          { ...LISTED, 'd.ratingCount': { $gte: Math.max(1, minRatings) } },
          { sort: BY_AVERAGE, limit },
        ),
      ),

    search: (query) =>
      read(async (version) => {
        const filter = searchFilter(query);
        const [items, total] = await Promise.all([
          first(version, filter, { ...query, sort: ORDERS[query.sortBy] }),
          version.animes.countDocuments(filter, { maxTimeMS }),
        ]);
        return { items, total };
      }),

    trending: (sinceDay, limit) =>
      read((version) => trending(version, { sinceDay, limit, maxTimeMS })),

    recommended: (basedOn, limit) =>
      read((version) => recommended(version, { basedOn, limit, maxTimeMS })),

    genres: () =>
      read(async ({ animes }) => {
        const genres = await animes.distinct('d.details.genres', LISTED);
        return (genres as readonly string[]).toSorted(byBytes);
      }),

    interactionsOf: (userId, count, after) =>
      read(async ({ interactions }) => {
        const found = await interactions
          .find({ 'd.userId': { $eq: userId }, 'd.animeId': { $gt: after ?? 0 } }, { maxTimeMS })
          .sort({ 'd.animeId': 1 })
          .limit(count + 1)
          .toArray();
        const items = found.slice(0, count).map((one) => interactionOf(one));
        return { items, hasMore: found.length > count };
      }),
  };
};

/** The order of the server's own sorting, which `distinct` leaves to its caller. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
