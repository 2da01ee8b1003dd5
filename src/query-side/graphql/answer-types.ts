import { type DetailField, type DetailName, DETAILS } from '../../domain/details.js';

/** The description of each detail; null if the detail is no field of `Anime`. */
const DETAIL_DESCRIPTIONS: Readonly<Record<DetailName, string | null>> = {
  title: 'The title as the catalogue spells it.',
  description: 'What the anime is about; null when unknown.',
  image: 'The address of a picture; null when none is known.',
  type: 'TV, Movie, OVA and the like; null when unknown.',
  episodes: 'How many episodes there are; null when unknown.',
  // Comma-separated, and only beside counters.
  genres: null,
  score: "The catalogue's own score, from 0 to 10; null when unknown.",
  popularity: 'The rank by number of members; 1 is the most popular. Null when unknown.',
  members: null,
};

const graphqlTypeOf = (field: DetailField): string => {
  switch (field.kind) {
    case 'text':
      return field.required === true ? 'String!' : 'String';
    case 'number':
      if (!field.whole) return 'Float';
      return field.maximum < 2 ** 31 ? 'Int' : 'Count';
    case 'texts':
      return '[String!]!';
  }
};

const detailFields = Object.entries(DETAIL_DESCRIPTIONS)
  .filter(([, description]) => description !== null)
  .map(
    ([name, description]) =>
      `"${description}"\n${name}: ${graphqlTypeOf(DETAILS[name as DetailName])}`,
  )
  .join('\n');

const counterFields = `
  "How often users clicked the anime."
  totalClicks: Count!
  "How often users viewed the anime."
  totalViews: Count!
  "The number of users who rated the anime: only each user's latest rating counts."
  totalRatings: Count!
  "The mean of the users' latest ratings, from 1 to 10; null while there are none."
  averageRating: Float
`;

/** The types of responses, and the filters of a search. */
export const answerTypes = /* GraphQL */ `
  "The counters of one anime, with its title and picture."
  type AnimeStats {
    "Unique among all objects of this API: AnimeStats and the anime's id."
    id: ID!
    "The anime's id in the MyAnimeList catalogue."
    animeId: Int!
    "The title as the catalogue spells it; null when unknown."
    title: String
    "The address of a picture; null when none is known."
    image: String
    ${counterFields}
    "The total duration of all views, in seconds."
    totalDurationSeconds: Count!
  }

  "The catalogue entry of one anime."
  type Anime {
    "Unique among all objects of this API: Anime and the anime's id."
    id: ID!
    "The anime's id in the MyAnimeList catalogue."
    myanimelistId: Int!
    ${detailFields}
  }

  "The catalogue entry of one anime, with its counters."
  type AnimeWithStats {
    "Unique among all objects of this API: AnimeWithStats and the anime's id."
    id: ID!
    "The anime's id in the MyAnimeList catalogue."
    myanimelistId: Int!
    ${detailFields}
    "Comma separated, as the catalogue spells them; null when none are known."
    genres: String
    ${counterFields}
  }

  "One page of a search."
  type PaginatedAnimes {
    "The matches on this page."
    items: [AnimeWithStats!]!
    "How many matches there are on all pages."
    total: Int!
    "The number of this page, as requested."
    page: Int!
    "The maximum number of matches per page, as requested."
    pageSize: Int!
    "Whether there are matches after this page."
    hasMore: Boolean!
  }

  "The filters and order of a search. Text is compared ignoring case and accents; an empty text or list counts as absent."
  input AnimeFilters {
    "Text that the title contains. At most 200 characters."
    search: String
    "The type of the anime. At most 200 characters."
    type: String
    "Genres, any of which the anime has. At most 50, each of at most 200 characters."
    genres: [String!]
    "The minimum score; anime without a score are left out."
    minScore: Float
    "popularity (1 first), score (highest first), title (A first) or views (most first). Unknown popularity and score come last."
    sortBy: String = "popularity"
  }

  "The distribution of the ratings of one anime: only each user's latest rating counts."
  type RatingDistribution {
    "Unique among all objects of this API: RatingDistribution and the anime's id."
    id: ID!
    "The anime's id in the MyAnimeList catalogue."
    animeId: Int!
    "The number of users who rated the anime."
    total: Count!
    "The mean of the users' latest ratings, from 1 to 10; null while there are none."
    average: Float
    "One for each whole star from 1 to 10: 7 counts the ratings from 7.00 to 7.99."
    buckets: [RatingBucket!]!
  }

  "The number of ratings with one number of whole stars."
  type RatingBucket {
    "From 1 to 10."
    stars: Int!
    "The number of users whose latest rating is in this bucket."
    count: Count!
  }

  "A page of the interactions of one user, ordered by anime id."
  type UserInteractionConnection {
    "One for each anime on this page."
    edges: [UserInteractionEdge!]!
    "How this page relates to the others."
    pageInfo: PageInfo!
  }

  "An anime on a page of user interactions."
  type UserInteractionEdge {
    "The user's interactions with the anime."
    node: UserInteraction!
    "Pass it as after to get the edges after this one."
    cursor: String!
  }

  "The interactions of one user with one anime."
  type UserInteraction {
    "Unique among all objects of this API: UserInteraction, the anime's id and the user's."
    id: ID!
    "The anime's id in the MyAnimeList catalogue."
    animeId: Int!
    "How often the user clicked the anime."
    totalClicks: Count!
    "How often the user viewed the anime."
    totalViews: Count!
    "The total duration of the user's views, in seconds."
    totalDurationSeconds: Count!
    "The user's latest rating of the anime, from 1 to 10; null without any."
    rating: Float
    "When the latest rating was given, in ISO 8601; null without any."
    ratedAt: String
    "When the user last clicked the anime, in ISO 8601; null without any click."
    lastClickAt: String
    "When the user last viewed the anime, in ISO 8601; null without any view."
    lastViewAt: String
  }

  "How a page relates to the others."
  type PageInfo {
    "Whether there is a page after this one."
    hasNextPage: Boolean!
    "Whether this page was requested with after."
    hasPreviousPage: Boolean!
    "The cursor of the first edge; null on an empty page."
    startCursor: String
    "The cursor of the last edge; pass it as after to get the next page. Null on an empty page."
    endCursor: String
  }

  "The process that handled the query."
  type ServiceInfo {
    "The version of the service."
    version: String!
    "The role of the process: query-api or all."
    role: String!
    "The version of the read models in use; null before the first one."
    readModels: String
    "The number of events that the read models do not include yet; null if this process cannot tell."
    lagEvents: Count
    "The age of the oldest of these events, in seconds; null if this process cannot tell."
    lagSeconds: Float
  }
`;
