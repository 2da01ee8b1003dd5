import type { ReadQueries } from '../../../ports/read-store.js';
import { attempt, type FindVersion } from './open-version.js';

/** The queries of a version as the port has them. */
export const readQueries = (find: FindVersion): ReadQueries => ({
  anime: (id) => attempt(() => find().queries.anime(id)),
  topByViews: (limit) => attempt(() => find().queries.topByViews(limit)),
  topByRating: (limit, minRatings) => attempt(() => find().queries.topByRating(limit, minRatings)),
  search: (query) => attempt(() => find().queries.search(query)),
  trending: (sinceDay, limit) => attempt(() => find().queries.trending(sinceDay, limit)),
  recommended: (basedOn, limit) => attempt(() => find().queries.recommended(basedOn, limit)),
  genres: () => attempt(() => find().queries.genres()),
  interactionsOf: (userId, first, after) =>
    attempt(() => find().queries.interactionsOf(userId, first, after)),
});
