import { type DetailField, type DetailName, DETAILS } from '../../domain/details.js';

/** How queries describe each detail; null: not one of the plain fields of an anime. */
const DETAIL_DESCRIPTIONS: Readonly<Record<DetailName, string | null>> = {
  title: 'The title as the catalogue spells it.',
  description: 'What the anime is about; null when unknown.',
  image: 'The address of a picture; null when none is known.',
  type: 'TV, Movie, OVA and the like; null when unknown.',
  episodes: 'How many episodes there are; null when unknown.',
  // Comma-separated, and only beside counters.
  genres: null,
  score: "The catalogue's own score, from 0 to 10; null when unknown.",
  popularity: 'The place by number of members; 1 is the most popular. Null when unknown.',
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

/** What queries answer with, and the filters of a search. */
export const answerTypes = /* GraphQL */ `
  "The counters of one anime, with what a list shows of it."
  type AnimeStats {
    "Unique among all objects of this API: AnimeStats and the anime's id."
    id: ID!
    "The anime's id in the MyAnimeList catalogue."
    animeId: Int!
    "From the catalogue."
    title: String
    "The address of a picture, from the catalogue; null when none is known."
    image: String
    "How often users clicked the anime."
    totalClicks: Count!
    "How often users viewed the anime."
    totalViews: Count!
    "Users who rated: a later rating of the same user replaces the earlier one."
    totalRatings: Count!
    "The mean of the users' latest ratings, from 1 to 10; null while there are none."
    averageRating: Float
    "How long all views lasted together, in seconds."
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
    "How often users clicked the anime."
    totalClicks: Count!
    "How often users viewed the anime."
    totalViews: Count!
    "Users who rated: a later rating of the same user replaces the earlier one."
    totalRatings: Count!
    "The mean of the users' latest ratings, from 1 to 10; null while there are none."
    averageRating: Float
  }

  "One page of a search."
  type PaginatedAnimes {
    "The matches on this page."
    items: [AnimeWithStats!]!
    "How many matches there are on all pages."
    total: Int!
    "The number of this page, as asked for."
    page: Int!
    "How many matches a page may have, as asked for."
    pageSize: Int!
    "Whether there are matches after this page."
    hasMore: Boolean!
  }

  "What a search finds, and in which order. Texts are compared without regard to case and accents; an empty text or list counts as not given."
  input AnimeFilters {
    "The title contains this. At most 200 characters."
    search: String
    "The type is this. At most 200 characters."
    type: String
    "The anime has any of these genres. At most 50, each of at most 200 characters."
    genres: [String!]
    "The catalogue's score is known and at least this."
    minScore: Float
    "popularity (1 first) or score (highest first), unknown last; title (A first); or views (most first)."
    sortBy: String = "popularity"
  }

  "How the ratings of one anime are spread: each user's latest rating counts."
  type RatingDistribution {
    "Unique among all objects of this API: RatingDistribution and the anime's id."
    id: ID!
    "The anime's id in the MyAnimeList catalogue."
    animeId: Int!
    "Users who rated."
    total: Count!
    "The mean of the users' latest ratings, from 1 to 10; null while there are none."
    average: Float
    "One for each whole star from 1 to 10: 7 counts the ratings from 7.00 to 7.99."
    buckets: [RatingBucket!]!
  }

  "The ratings of one whole star."
  type RatingBucket {
    "From 1 to 10."
    stars: Int!
    "Users whose latest rating is here."
    count: Count!
  }

  "A page of what one user did, by anime id."
  type UserInteractionConnection {
    "One for each anime on this page."
    edges: [UserInteractionEdge!]!
    "Where this page stands among the others."
    pageInfo: PageInfo!
  }

  "One anime on a page of what a user did."
  type UserInteractionEdge {
    "What the user did with the anime."
    node: UserInteraction!
    "Goes on after this one when it is given as after."
    cursor: String!
  }

  "What one user did with one anime."
  type UserInteraction {
    "Unique among all objects of this API: UserInteraction, the anime's id and the user's."
    id: ID!
    "The anime's id in the MyAnimeList catalogue."
    animeId: Int!
    "How often the user clicked the anime."
    totalClicks: Count!
    "How often the user viewed the anime."
    totalViews: Count!
    "How long the user's views lasted together, in seconds."
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

  "Where a page stands among the others."
  type PageInfo {
    "Whether there is a page after this one."
    hasNextPage: Boolean!
    "Whether this page was asked for with after."
    hasPreviousPage: Boolean!
    "The cursor of the first edge; null on an empty page."
    startCursor: String
    "The cursor of the last edge, to be given as after for the next page; null on an empty page."
    endCursor: String
  }

  "The process that answers."
  type ServiceInfo {
    "The version of the service."
    version: String!
    "The role that the process runs: query-api, or all."
    role: String!
    "The version of the read models that answers; null before the first one."
    readModels: String
    "Events in the log that the read models do not show yet; null where this process cannot know."
    lagEvents: Count
    "How old the oldest of these events is, in seconds; null where this process cannot know."
    lagSeconds: Float
  }
`;
