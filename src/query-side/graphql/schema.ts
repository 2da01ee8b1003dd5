import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, GraphQLScalarType, type GraphQLSchema, Kind } from 'graphql';
import type { RevisionWaiter } from '../read-your-writes/revision-waiter.js';
import { answerTypes } from './answer-types.js';
import type { QueryContext } from './context.js';
import { createAnimeResolvers, createListResolvers } from './resolvers.js';

const queryType = /* GraphQL */ `
  scalar Count

  "Live statistics of anime. An argument of null counts as not given. Lists leave out delisted anime; what names an anime still answers for it."
  type Query {
    "The most viewed anime, most views first; those without views are left out."
    topAnimesByViews("How many at most. From 1 to 100." limit: Int = 10): [AnimeStats!]!
    "The best rated anime with at least 5 ratings, best average first, then most ratings."
    topAnimesByRating("How many at most. From 1 to 100." limit: Int = 10): [AnimeStats!]!
    "The counters of one anime; null when it is unknown."
    animeStats(
      "The anime's id in the MyAnimeList catalogue."
      animeId: Int!
      "Wait until the answer includes this revision, a decimal string as a command returned it."
      minRevision: String
    ): AnimeStats
    "The catalogue entry of one anime; null when it is unknown."
    anime(
      "The anime's id in the MyAnimeList catalogue."
      animeId: Int!
      "Wait until the answer includes this revision, a decimal string as a command returned it."
      minRevision: String
    ): Anime
    "The catalogue page by page."
    searchAnimes(
      "The number of the page. From 1 to 1000000."
      page: Int = 1
      "How many a page may have. From 1 to 100."
      pageSize: Int = 20
      "Which anime, and in which order; all by popularity where not given."
      filters: AnimeFilters
    ): PaginatedAnimes!
    "Most clicks, views and ratings since 00:00 UTC of today minus so many days, then most views."
    trendingAnimes(
      "How many at most. From 1 to 100."
      limit: Int = 10
      "How many days back. From 1 to 3650."
      days: Int = 7
    ): [AnimeWithStats!]!
    "Other titles that share genres with the given one, most shared first, then best score; where it has none or is unknown, best score."
    recommendedAnimes(
      "The id of the given anime in the MyAnimeList catalogue."
      basedOnAnimeId: Int!
      "How many at most. From 1 to 100."
      limit: Int = 10
      "Wait until the given anime includes this revision, a decimal string as a command returned it."
      minRevision: String
    ): [AnimeWithStats!]!
    "Every genre of the catalogue once, sorted. Spellings that differ in case or accents alone are one genre."
    genres: [String!]!
    "How the ratings of one anime are spread; null when it is unknown."
    ratingDistribution(
      "The anime's id in the MyAnimeList catalogue."
      animeId: Int!
      "Wait until the answer includes this revision, a decimal string as a command returned it."
      minRevision: String
    ): RatingDistribution
    "What one user did, by anime id. Where the service has API keys, one is needed: else null, with the code UNAUTHENTICATED."
    userInteractions(
      "Whose interactions. From 1 to 128 characters, not blank and without control characters."
      userId: String!
      "How many at most. From 1 to 100."
      first: Int = 20
      "The cursor that an earlier page ended with."
      after: String
    ): UserInteractionConnection
    "Who answers, and how far behind the log of events."
    serviceInfo: ServiceInfo!
  }
`;

/** The public schema. Names, types and defaults are a contract with clients that exist. */
const typeDefs: readonly string[] = [queryType, answerTypes];

/** What this process knows of itself; null for what it cannot know. */
export interface ServiceInfo {
  readonly version: string;
  readonly role: string;
  /** Events in the log that the read models do not show yet. */
  readonly lagEvents: number | null;
  readonly lagSeconds: number | null;
}

export interface SchemaOptions {
  readonly waiter: RevisionWaiter;
  readonly serviceInfo: () => ServiceInfo | Promise<ServiceInfo>;
  readonly now: () => Date;
}

export const createSchema = ({ waiter, serviceInfo, now }: SchemaOptions): GraphQLSchema =>
  makeExecutableSchema<QueryContext>({
    typeDefs: [...typeDefs],
    resolvers: {
      Count: countScalar,
      Query: {
        ...createListResolvers(now),
        ...createAnimeResolvers(waiter),
        serviceInfo: async () => ({ ...(await serviceInfo()), readModels: activeVersion }),
      },
    },
  });

/** A function, so that the store is asked only where the field is: the rest answers without it. */
const activeVersion = async (_: unknown, { readModels }: QueryContext): Promise<string | null> =>
  (await readModels())?.version ?? null;

/**
 * Int is 32 bit and turns a larger total into an error. A total that is no whole number is a bug of
 * ours, so serialising it throws a plain error, which is masked and logged.
 */
const countScalar = new GraphQLScalarType<number, number>({
  name: 'Count',
  description:
    'A whole number from 0 to 2^53-1, as a plain JSON number: totals outgrow the 32 bits of Int.',
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
