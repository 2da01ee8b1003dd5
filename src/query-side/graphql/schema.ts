import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, GraphQLScalarType, type GraphQLSchema, Kind } from 'graphql';
import type { DocumentUsers } from '../../ports/user-protection.js';
import type { RevisionWaiter } from '../read-your-writes/revision-waiter.js';
import { activityTypes, createActivityResolvers, createTotalsResolver } from './activity.js';
import { answerTypes } from './answer-types.js';
import type { QueryContext } from './context.js';
import { createEventResolvers, type EventsAccess } from './event-queries.js';
import { eventTypes, jsonScalar } from './recorded-events.js';
import { type PipelineSource, readPipeline } from './pipeline.js';
import { pipelineTypes } from './pipeline-types.js';
import {
  createProjectionResolvers,
  type ProjectionQueries,
  projectionTypes,
} from './projections.js';
import { createAnimeResolvers, createListResolvers } from './resolvers.js';
import type { createSubscriptionResolvers } from './subscriptions.js';

const queryType = /* GraphQL */ `
  scalar Count

  "Live statistics of anime. A null argument counts as absent. Lists leave out delisted anime; queries by id still return them."
  type Query {
    "The most viewed anime, most views first; those without views are left out."
    topAnimesByViews(
      "The maximum number of results. From 1 to 100."
      limit: Int = 10
    ): [AnimeStats!]!
    "The best rated anime with at least 5 ratings, best average first, then most ratings."
    topAnimesByRating(
      "The maximum number of results. From 1 to 100."
      limit: Int = 10
    ): [AnimeStats!]!
    "The counters of one anime; null when it is unknown."
    animeStats(
      "The anime's id in the MyAnimeList catalogue."
      animeId: Int!
      "Wait until the response includes this revision: the decimal string that a command returned."
      minRevision: String
    ): AnimeStats
    "The catalogue entry of one anime; null when it is unknown."
    anime(
      "The anime's id in the MyAnimeList catalogue."
      animeId: Int!
      "Wait until the response includes this revision: the decimal string that a command returned."
      minRevision: String
    ): Anime
    "Searches the catalogue, page by page."
    searchAnimes(
      "The number of the page. From 1 to 1000000."
      page: Int = 1
      "The maximum number of anime per page. From 1 to 100."
      pageSize: Int = 20
      "The filters and the order; by default all anime, by popularity."
      filters: AnimeFilters
    ): PaginatedAnimes!
    "The anime with the most clicks, views and ratings in recent days, then most views."
    trendingAnimes(
      "The maximum number of results. From 1 to 100."
      limit: Int = 10
      "Count from 00:00 UTC this many days ago. From 1 to 3650."
      days: Int = 7
    ): [AnimeWithStats!]!
    "Anime that share genres with the given one: most shared genres first, then best score. If it has no genres or is unknown, the anime with the best score."
    recommendedAnimes(
      "The id of the given anime in the MyAnimeList catalogue."
      basedOnAnimeId: Int!
      "The maximum number of results. From 1 to 100."
      limit: Int = 10
      "Wait until the given anime has reached this revision: the decimal string that a command returned."
      minRevision: String
    ): [AnimeWithStats!]!
    "The genres of the catalogue, sorted. Spellings that differ only in case or accents are one genre."
    genres: [String!]!
    "The distribution of the ratings of one anime; null when it is unknown."
    ratingDistribution(
      "The anime's id in the MyAnimeList catalogue."
      animeId: Int!
      "Wait until the response includes this revision: the decimal string that a command returned."
      minRevision: String
    ): RatingDistribution
    "The interactions of one user, ordered by anime id. If the service has API keys, one is required; without it null, with the code UNAUTHENTICATED."
    userInteractions(
      "The id of the user. From 1 to 128 characters, not blank and without control characters."
      userId: String!
      "The maximum number of results. From 1 to 100."
      first: Int = 20
      "The end cursor of the previous page."
      after: String
    ): UserInteractionConnection
    "The process that handled the query, and how far it is behind the log."
    serviceInfo: ServiceInfo!
    "The way from commands to documents: health, lag, rates and versions, as this process sees them. If the service has API keys, one is required; without it null, with the code UNAUTHENTICATED."
    pipeline: Pipeline
    "The projections of the event store, those that it keeps itself too; null where it has no engine, or where this process cannot ask it. If the service has API keys, one is required; without it null, with the code UNAUTHENTICATED."
    projections: [Projection!]
    "The state of a projection; null where there is none, or where it is nested more than 64 levels deep. It may hold what the events hold, so it needs what the query log needs."
    projectionState(
      "The name of the projection. At most 1000 characters."
      name: String!
      "The partition, such as anime-1; the empty text for a projection without partitions, and for the shared state of one with them. At most 1000 characters."
      partition: String = ""
    ): JSON
  }
`;

/** Live queries. Names and types are those of the queries. */
const subscriptionTypes = /* GraphQL */ `
  "Live queries at /graphql/stream, as server-sent events: the present value at once, then each new one, at most 4 messages a second."
  type Subscription {
    "The counters of one anime; null while it is unknown."
    animeStats("The anime's id in the MyAnimeList catalogue." animeId: Int!): AnimeStats
    "The most viewed anime, most views first; those without views are left out."
    topAnimesByViews(
      "The maximum number of results. From 1 to 100."
      limit: Int = 10
    ): [AnimeStats!]!
    "The way from commands to documents, every second. If the service has API keys, one is required."
    pipeline: Pipeline
    "Events as they are appended to the log, up to 500 in a message. Only those that log shows, with the same errors. Resumes after Last-Event-ID."
    events(
      "Only events of these types. At most 50, each of at most 200 characters."
      types: [String!]
      "Only the newest of each message, for a display: older ones are left out, and nothing resumes. From 1 to 100; by default all."
      newest: Int
    ): [RecordedEvent!]!
  }
`;

/** The public schema. Names, types and defaults are a contract with existing clients. */
const typeDefs: readonly string[] = [
  queryType,
  activityTypes,
  eventTypes,
  answerTypes,
  pipelineTypes,
  projectionTypes,
  subscriptionTypes,
];

/** Null where this process cannot tell. */
export interface ServiceInfo {
  readonly version: string;
  readonly role: string;
  /** The number of events that the read models do not include yet. */
  readonly lagEvents: number | null;
  readonly lagSeconds: number | null;
}

export interface SchemaOptions {
  readonly waiter: RevisionWaiter;
  readonly serviceInfo: () => ServiceInfo | Promise<ServiceInfo>;
  readonly now: () => Date;
  /** Under which user ids the documents of a person are. Default: the given one. */
  readonly usersOf?: DocumentUsers;
  readonly events: EventsAccess;
  readonly pipeline: PipelineSource;
  readonly projections: ProjectionQueries['projections'];
  /** The resolvers of `Subscription`. */
  readonly subscriptions: ReturnType<typeof createSubscriptionResolvers>;
}

export const createSchema = ({
  waiter,
  serviceInfo,
  now,
  usersOf = onlyPlain,
  events,
  pipeline,
  projections,
  subscriptions,
}: SchemaOptions): GraphQLSchema =>
  makeExecutableSchema<QueryContext>({
    typeDefs: [...typeDefs],
    resolvers: {
      Count: countScalar,
      JSON: jsonScalar,
      Query: {
        ...createListResolvers({ now, usersOf }),
        ...createAnimeResolvers(waiter),
        ...createActivityResolvers({ waiter, now }),
        ...createTotalsResolver(now),
        ...createEventResolvers(events),
        ...createProjectionResolvers({ projections, events }),
        serviceInfo: async () => ({ ...(await serviceInfo()), readModels: activeVersion }),
        pipeline: (_: unknown, _args: unknown, context: QueryContext) =>
          readPipeline(pipeline, context),
      },
      Subscription: subscriptions,
    },
  });

const onlyPlain: DocumentUsers = (userId) => Promise.resolve([userId]);

/** A function, so that only queries with this field need the store. */
const activeVersion = async (_: unknown, { readModels }: QueryContext): Promise<string | null> =>
  (await readModels())?.version ?? null;

/**
 * Int is 32 bit and turns a larger total into an error. Any other total is a bug, so
 * serialising it throws a plain error, which is masked and logged.
 */
const countScalar = new GraphQLScalarType<number, number>({
  name: 'Count',
  description:
    'A whole number from 0 to 2^53-1, as a JSON number: totals may exceed the 32 bits of Int.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-6',
  serialize: (value) => {
    if (isCount(value)) return value;
    throw new TypeError(`Count cannot represent ${String(value)}.`);
  },
  parseValue: (value) => {
    if (isCount(value)) return value;
    throw new GraphQLError('A Count is a whole number from 0 to 2^53-1.');
  },
  parseLiteral: (node) => {
    const value = node.kind === Kind.INT ? Number(node.value) : undefined;
    if (isCount(value)) return value;
    throw new GraphQLError('A Count is a whole number from 0 to 2^53-1.', { nodes: node });
  },
});

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
