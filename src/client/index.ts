import { createClientIn, type Client, type ClientOptions } from './client.js';
import { environmentOf } from './environment.js';

export type { Client, ClientOptions } from './client.js';
export type { Acknowledged, SendOptions } from './commands.js';
export { NoAnswerError, ProblemError, QueryFailedError, type QueryProblem } from './errors.js';
export type { CallOptions } from './exchange.js';
export type {
  SchemaClick as Click,
  SchemaDetails as Details,
  SchemaProblem as Problem,
  SchemaRating as Rating,
  SchemaView as View,
} from './generated/commands.js';
export {
  ActivityOf,
  AnimeOf,
  AnimeStatsOf,
  BestRated,
  MostViewed,
  RatingsOf,
  Search,
  Trending,
} from './generated/queries.js';
export type { Operation } from './queries.js';
export type { QueueCounts, QueueOptions } from './queue.js';
export type { TrackedCommand, TrackResult } from './tracked.js';

/** A client of the command API and the query API, for browsers and Node. */
export const createClient = (options: ClientOptions): Client =>
  createClientIn(options, environmentOf(options.fetch));
