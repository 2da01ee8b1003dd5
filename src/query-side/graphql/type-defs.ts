import { answerTypes } from './answer-types.js';

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
export const typeDefs: readonly string[] = [queryType, answerTypes];
