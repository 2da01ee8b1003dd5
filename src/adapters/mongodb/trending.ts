import type { Document } from 'mongodb';
import type { AnimeDocument } from '../../ports/read-store.js';
import { inOneBatch } from './asked.js';
import { LISTED } from './search.js';
import { animeIdText, animeOf } from './stored-documents.js';
import type { VersionCollections } from './version-collections.js';

/** How much happened to an anime. */
interface Total {
  readonly _id: AnimeDocument['animeId'];
  readonly total: number;
}

interface Ranked extends Total {
  readonly views: number;
}

/**
 * Most interactions since a day, then most views. Totals come best first; the anime of a page are
 * looked up and sorted among themselves, and a page ends only between two different totals, so that
 * ties are decided over all that tie. No more is read than the answer needs.
 */
export const trending = async (
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
  return documentsOf(animes, ranked.slice(0, limit), maxTimeMS);
};

/** Served by an index alone, however long the anime's documents are. */
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
  ...LISTED,
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

const documentsOf = async (
  animes: VersionCollections['animes'],
  ranked: readonly Ranked[],
  maxTimeMS: number,
): Promise<readonly AnimeDocument[]> => {
  const options = { maxTimeMS, ...inOneBatch(ranked.length) };
  const found = await animes.find(listedAmong(ranked), options).toArray();
  const documents = new Map(found.map((one) => [one.d.animeId, animeOf(one)]));
  return ranked.flatMap(({ _id }) => documents.get(_id) ?? []);
};
