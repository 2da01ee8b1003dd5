import type { ReadQueries } from '../../../ports/read-store.js';
import { attempt, type FindVersion, type OpenVersion } from './open-version.js';
import type { Writer } from './writer.js';

/** The queries of a version as the port has them. */
export const readQueries = (find: FindVersion, writer: Writer): ReadQueries => ({
  anime: (id) => attempt(() => find().queries.anime(id)),
  topByViews: (limit) => attempt(() => find().queries.topByViews(limit)),
  topByRating: (limit, minRatings) => attempt(() => find().queries.topByRating(limit, minRatings)),
  search: (query) => attempt(() => find().queries.search(query)),
  trending: (sinceDay, limit) => attempt(() => find().queries.trending(sinceDay, limit)),
  recommended: (basedOn, limit) => attempt(() => find().queries.recommended(basedOn, limit)),
  genres: () => attempt(() => find().queries.genres()),
  interactionsOf: async (userId, first, after) => {
    await indexed(find(), writer);
    return find().queries.interactionsOf(userId, first, after);
  },
});

const INDEXED = new WeakSet<OpenVersion>();

const indexed = async (version: OpenVersion, writer: Writer): Promise<void> => {
  if (INDEXED.has(version)) return;
  await writer.order(version.path, { kind: 'index' });
  INDEXED.add(version);
};
