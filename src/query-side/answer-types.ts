/** What queries answer with, and the filters of a search. */
export const answerTypes = /* GraphQL */ `
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
