import type { DistinctOptions, Document } from 'mongodb';
import type { AnimeId } from '../../domain/ids.js';
import type { AnimeDocument, ReadQueries } from '../../ports/read-store.js';
import { ALL_DAYS, totalsOf } from '../read-store/all-time.js';
import { activityPerDay } from './activity.js';
import { genreSpellings } from '../../wire/search-text.js';
import {
  activityFrom,
  animeFrom,
  animeIdText,
  bestRated,
  daysWithin,
  inOneBatch,
  interactionFrom,
  interactionsAfter,
  mostViewed,
  ONLY_LISTED,
  othersByScore,
  type Question,
  searched,
  sharingGenres,
} from './stored-documents.js';
import { isUnknownOption, type MongodbConnection } from './connection.js';
import type { VersionAccess, VersionCollections } from './version-collections.js';

export const createMongodbQueries = (
  name: string,
  {
    connection,
    access,
  }: { readonly connection: MongodbConnection; readonly access: VersionAccess },
): ReadQueries => {
  const { ask, whileOpen, timeoutMs: maxTimeMS } = connection;

  const read = <T>(question: (collections: VersionCollections) => Promise<T>): Promise<T> =>
    whileOpen(() => access.read(name, ({ near }) => ask(() => question(near))));

  const first = async (
    { animes }: VersionCollections,
    { filter, sort }: Question,
    { offset = 0, limit }: { readonly offset?: number; readonly limit: number },
  ): Promise<readonly AnimeDocument[]> => {
    // The server takes a limit of 0 for no limit.
    if (limit < 1) return [];
    const found = animes
      .find(filter, { maxTimeMS, ...inOneBatch(limit) })
      .sort(sort)
      .skip(offset)
      .limit(limit);
    return (await found.toArray()).map((one) => animeFrom(one));
  };

  return {
    anime: (id) =>
      read(async ({ animes }) => {
        const found = await animes.findOne({ _id: animeIdText(id) }, { maxTimeMS });
        return found === null ? null : animeFrom(found);
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
        const items = found.slice(0, count).map((one) => interactionFrom(one));
        return { items, hasMore: found.length > count };
      }),

    activityOf: (animeId, range) =>
      read(async ({ days }) => {
        const { filter, sort } = daysWithin(animeId, range);
        const found = days.find(filter, { maxTimeMS, batchSize: 1000 }).sort(sort);
        return (await found.toArray()).map((one) => activityFrom(one));
      }),

    activity: (range) => read((version) => activityPerDay(version, range, maxTimeMS)),

    totals: () =>
      read(async (version) => {
        const [listed, days] = await Promise.all([
          version.animes.countDocuments(ONLY_LISTED, { maxTimeMS }),
          activityPerDay(version, ALL_DAYS, maxTimeMS),
        ]);
        return totalsOf(listed, days);
      }),
  };
};

/** The server's own sort order: `distinct` returns values unsorted. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

type Animes = Pick<VersionCollections, 'animes'>;

/** The genres of listed anime. MongoDB serves this from an index without reading documents. */
export const distinctGenres = async (
  { animes }: Animes,
  options: DistinctOptions = {},
): Promise<readonly unknown[]> => animes.distinct('d.details.genres', ONLY_LISTED, options);

/** Falls back to no time limit on servers that refuse one on this command, such as FerretDB 1. */
const genresWithin = async (
  collections: Animes,
  maxTimeMS: number,
): Promise<readonly unknown[]> => {
  try {
    return await distinctGenres(collections, { maxTimeMS });
  } catch (error) {
    if (!isUnknownOption(error)) throw error;
    return distinctGenres(collections);
  }
};

interface Recommending {
  readonly basedOn: AnimeId;
  readonly limit: number;
  readonly maxTimeMS: number;
}

/** Titles that share genres, most shared first, then best score; without genres, best score. */
const recommended = async (
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
    return (await best.toArray()).map((one) => animeFrom(one));
  }
  const { filter, sort } = sharingGenres(basedOn, [...genres]);
  const sharing = animes
    .find(filter, { projection: { 'd.genreKeys': 1 }, maxTimeMS, batchSize: 1000 })
    .sort(sort);
  const ids = await mostShared(sharing, genres, limit);
  const options = { maxTimeMS, ...inOneBatch(ids.length) };
  const found = await animes.find({ _id: { $in: ids }, ...ONLY_LISTED }, options).toArray();
  const documents = new Map(found.map((one) => [one._id, animeFrom(one)]));
  return ids.flatMap((id) => documents.get(id) ?? []);
};

type Sharing = AsyncIterable<{
  readonly _id: string;
  readonly d: { readonly genreKeys: readonly string[] };
}>;

/**
 * Titles arrive best score first, so only the first few of each number of shared genres are kept,
 * and the search ends once enough share all of them. Counting shared genres in the server needs an
 * expression that not every compatible server has.
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

/** The number of interactions with an anime. */
interface Total {
  readonly _id: AnimeDocument['animeId'];
  readonly total: number;
}

interface Ranked extends Total {
  readonly views: number;
}

/**
 * Most interactions since a day, then most views. Totals arrive best first; the anime of a page are
 * looked up and sorted, and a page ends only between two different totals, so that ties are decided
 * over all tied anime. Reads no more than the answer needs.
 */
const trending = async (
  { animes, days }: VersionCollections,
  { sinceDay, limit, maxTimeMS }: { sinceDay: string; limit: number; maxTimeMS: number },
): Promise<readonly AnimeDocument[]> => {
  if (limit < 1) return [];
  const pageSize = Math.max(100, 2 * limit);
  const ranked: Ranked[] = [];
  let page: Total[] = [];

  const rankPage = async (): Promise<void> => {
    const views = await viewsOf(animes, page, maxTimeMS);
    const listed = page.flatMap((one) => {
      const seen = views.get(one._id);
      return seen === undefined ? [] : [{ ...one, views: seen }];
    });
    ranked.push(...listed.sort(byRank));
    page = [];
  };

  const totals = days.aggregate<Total>(totalsSince(sinceDay), { maxTimeMS, batchSize: pageSize });
  for await (const one of totals) {
    if (page.length >= pageSize && one.total < (page.at(-1)?.total ?? 0)) await rankPage();
    if (ranked.length >= limit) break;
    page.push(one);
  }
  if (ranked.length < limit) await rankPage();
  return documentsInOrder(animes, ranked.slice(0, limit), maxTimeMS);
};

/** Served by an index alone, whatever the size of the documents. */
export const totalsSince = (sinceDay: string): Document[] => [
  { $match: { 'd.day': { $gte: sinceDay } } },
  { $group: { _id: '$d.animeId', total: { $sum: '$d.total' } } },
  { $match: { total: { $gt: 0 } } },
  { $sort: { total: -1, _id: 1 } },
];

const byRank = (a: Ranked, b: Ranked): number =>
  b.total - a.total || b.views - a.views || a._id - b._id;

const listedAmong = (totals: readonly Total[]): Document => ({
  _id: { $in: totals.map(({ _id }) => animeIdText(_id)) },
  ...ONLY_LISTED,
});

const viewsOf = async (
  animes: VersionCollections['animes'],
  totals: readonly Total[],
  maxTimeMS: number,
): Promise<ReadonlyMap<number, number>> => {
  const projection = { 'd.animeId': 1, 'd.views': 1 };
  const options = { projection, maxTimeMS, ...inOneBatch(totals.length) };
  const found = await animes.find(listedAmong(totals), options).toArray();
  return new Map(found.map(({ d }) => [d.animeId, d.views]));
};

const documentsInOrder = async (
  animes: VersionCollections['animes'],
  ranked: readonly Ranked[],
  maxTimeMS: number,
): Promise<readonly AnimeDocument[]> => {
  const options = { maxTimeMS, ...inOneBatch(ranked.length) };
  const found = await animes.find(listedAmong(ranked), options).toArray();
  const documents = new Map(found.map((one) => [one.d.animeId, animeFrom(one)]));
  return ranked.flatMap(({ _id }) => documents.get(_id) ?? []);
};
