/** The public schema. Names, types and defaults are a contract with clients that exist. */
export const typeDefs = /* GraphQL */ `
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

  type AnimeStats {
    animeId: Int!
    totalClicks: Count!
    totalViews: Count!
    "Users who rated: a later rating of the same user replaces the earlier one."
    totalRatings: Count!
    "The mean of the users' latest ratings; null while there are none."
    averageRating: Float
    totalDurationSeconds: Count!
  }

  type Anime {
    myanimelistId: Int!
    title: String!
    description: String
    image: String
    type: String
    episodes: Int
    score: Float
    "The place by number of members; 1 is the most popular."
    popularity: Int
  }

  type AnimeWithStats {
    myanimelistId: Int!
    title: String!
    description: String
    image: String
    type: String
    episodes: Int
    score: Float
    "The place by number of members; 1 is the most popular."
    popularity: Int
    "Comma separated; null when none are known."
    genres: String
    totalClicks: Count!
    totalViews: Count!
    "Users who rated: a later rating of the same user replaces the earlier one."
    totalRatings: Count!
    "The mean of the users' latest ratings; null while there are none."
    averageRating: Float
  }

  type PaginatedAnimes {
    items: [AnimeWithStats!]!
    "All matches, on whatever page."
    total: Int!
    page: Int!
    pageSize: Int!
    hasMore: Boolean!
  }

  input AnimeFilters {
    "The title contains this, in any case."
    search: String
    "The type is this, in any case."
    type: String
    "The anime has any of these genres."
    genres: [String!]
    "The catalogue's score is at least this."
    minScore: Float
    "popularity, score, title or views."
    sortBy: String = "popularity"
  }

  type RatingDistribution {
    animeId: Int!
    "Users who rated."
    total: Count!
    average: Float
    "One for each whole star from 1 to 10: 7 counts the ratings from 7.00 to 7.99."
    buckets: [RatingBucket!]!
  }

  type RatingBucket {
    stars: Int!
    count: Count!
  }

  type UserInteractionConnection {
    edges: [UserInteractionEdge!]!
    pageInfo: PageInfo!
  }

  type UserInteractionEdge {
    node: UserInteraction!
    cursor: String!
  }

  type UserInteraction {
    animeId: Int!
    totalClicks: Count!
    totalViews: Count!
    totalDurationSeconds: Count!
    "The user's latest rating of the anime."
    rating: Float
    ratedAt: String
    lastClickAt: String
    lastViewAt: String
  }

  type PageInfo {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }

  type ServiceInfo {
    version: String!
    role: String!
    "The version of the read models that answers; null before the first one."
    readModels: String
    "Events in the log that the read models do not show yet; null where this process cannot know."
    lagEvents: Count
    lagSeconds: Float
  }
`;
