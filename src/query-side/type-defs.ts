import { answerTypes } from './answer-types.js';

const queryType = /* GraphQL */ `
  "A whole number from 0 to 2^53-1, as a plain JSON number: totals outgrow the 32 bits of Int."
  scalar Count

  type Query {
    "The most viewed anime, most views first. Limit: 1 to 100."
    topAnimesByViews(limit: Int = 10): [AnimeStats!]!
    "The best rated anime with at least 5 ratings, best average first, then most ratings. Limit: 1 to 100."
    topAnimesByRating(limit: Int = 10): [AnimeStats!]!
    "The counters of one anime; null when it is unknown."
    animeStats(
      animeId: Int!
      "Wait until the answer includes this revision, as a command returned it."
      minRevision: String
    ): AnimeStats
    "The catalogue entry of one anime; null when it is unknown."
    anime(
      animeId: Int!
      "Wait until the answer includes this revision, as a command returned it."
      minRevision: String
    ): Anime
    "The catalogue page by page. Page size: 1 to 100."
    searchAnimes(page: Int = 1, pageSize: Int = 20, filters: AnimeFilters): PaginatedAnimes!
    "Most clicks, views and ratings since 00:00 UTC of today minus so many days, then most views."
    trendingAnimes(limit: Int = 10, days: Int = 7): [AnimeWithStats!]!
    "Other titles that share genres with the given one, best first; where it has none, best score."
    recommendedAnimes(
      basedOnAnimeId: Int!
      limit: Int = 10
      "Wait until the given anime includes this revision, as a command returned it."
      minRevision: String
    ): [AnimeWithStats!]!
    "Every genre of the catalogue once, sorted."
    genres: [String!]!
    "How the ratings of one anime are spread; null when it is unknown."
    ratingDistribution(
      animeId: Int!
      "Wait until the answer includes this revision, as a command returned it."
      minRevision: String
    ): RatingDistribution
    "What one user did, by anime id. First: 1 to 100."
    userInteractions(userId: String!, first: Int = 20, after: String): UserInteractionConnection!
    "Who answers, and how far behind the log of events."
    serviceInfo: ServiceInfo!
  }
`;

/** The public schema. Names, types and defaults are a contract with clients that exist. */
export const typeDefs: readonly string[] = [queryType, answerTypes];
