import { expect } from 'chai';

/** How the front ends of the system that our users come from ask, to the letter. */

export interface Operation {
  readonly operationName: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly query: string;
}

const COUNTERS = `totalClicks
    totalViews
    totalRatings
    averageRating
    totalDurationSeconds
    __typename`;

const STATS = `animeId
    ${COUNTERS}`;

const STATS_WITH_TITLE = `animeId
    title
    image
    ${COUNTERS}`;

const ANIME = `myanimelistId
    title
    description
    image
    type
    episodes
    score
    popularity`;

const ANIME_WITH_STATS = `${ANIME}
    genres
    totalClicks
    totalViews
    totalRatings
    averageRating
    __typename`;

const top = (list: 'TopAnimesByViews' | 'TopAnimesByRating', fields: string): Operation => ({
  operationName: list,
  variables: { limit: 10 },
  query: `query ${list}($limit: Int!) {
  ${list.replace('T', 't')}(limit: $limit) {
    ${fields}
  }
}`,
});

const search = (variables: Operation['variables']): Operation => ({
  operationName: 'SearchAnimes',
  variables,
  query: `query SearchAnimes($page: Int!, $pageSize: Int!, $filters: AnimeFilters) {
  searchAnimes(page: $page, pageSize: $pageSize, filters: $filters) {
    items {
      ${ANIME_WITH_STATS}
    }
    total
    page
    pageSize
    hasMore
    __typename
  }
}`,
});

const trending = (variables: Operation['variables']): Operation => ({
  operationName: 'TrendingAnimes',
  variables,
  query: `query TrendingAnimes($limit: Int!, $days: Int) {
  trendingAnimes(limit: $limit, days: $days) {
    ${ANIME_WITH_STATS}
  }
}`,
});

/** Every query of every front end, about this anime where one is named. */
export const operationsOfFrontEnds = (animeId: number): readonly Operation[] => [
  top('TopAnimesByViews', STATS),
  top('TopAnimesByRating', STATS),
  top('TopAnimesByViews', STATS_WITH_TITLE),
  top('TopAnimesByRating', STATS_WITH_TITLE),
  {
    operationName: 'AnimeStats',
    variables: { animeId },
    query: `query AnimeStats($animeId: Int!) {
  animeStats(animeId: $animeId) {
    ${STATS}
  }
}`,
  },
  {
    operationName: 'Anime',
    variables: { animeId },
    query: `query Anime($animeId: Int!) {
  anime(animeId: $animeId) {
    ${ANIME}
    __typename
  }
}`,
  },
  search({ page: 1, pageSize: 20 }),
  search({
    page: 1,
    pageSize: 12,
    filters: { search: 'pokemon', type: 'TV', genres: ['action'], minScore: 7, sortBy: 'score' },
  }),
  search({ page: 1, pageSize: 20, filters: { search: '', genres: [], sortBy: 'popularity' } }),
  trending({ limit: 10, days: 7 }),
  trending({ limit: 10 }),
  {
    operationName: 'RecommendedAnimes',
    variables: { basedOnAnimeId: animeId, limit: 10 },
    query: `query RecommendedAnimes($basedOnAnimeId: Int!, $limit: Int!) {
  recommendedAnimes(basedOnAnimeId: $basedOnAnimeId, limit: $limit) {
    ${ANIME_WITH_STATS}
  }
}`,
  },
  {
    operationName: 'Genres',
    variables: {},
    query: `query Genres {
  genres
}`,
  },
];

/** What a kind of Apollo Client sends beside the operation. */
export interface ApolloClient {
  readonly accept: string;
  readonly extensions?: object;
}

export const APOLLO_CLIENTS: Readonly<Record<string, ApolloClient>> = {
  'Apollo Client 3': { accept: '*/*' },
  'Apollo Client 4': {
    accept: 'application/graphql-response+json,application/json;q=0.9',
    extensions: { clientLibrary: { name: '@apollo/client', version: '4.0.9' } },
  },
};

export const sendAsApollo = (
  url: string,
  { operationName, variables, query }: Omit<Operation, 'query'> & { readonly query?: string },
  { accept, extensions }: ApolloClient,
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { accept, 'content-type': 'application/json' },
    // The order is Apollo's, and what is undefined is left out.
    body: JSON.stringify({ operationName, variables, extensions, query }),
  });

/** The data of an answer that Apollo takes for one: 200, without errors. */
export const askAsApollo = async (
  url: string,
  operation: Operation,
  client: ApolloClient,
): Promise<Readonly<Record<string, unknown>>> => {
  const response = await sendAsApollo(url, operation, client);
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown };
  expect(errors, operation.operationName).to.equal(undefined);
  expect(response.status).to.equal(200);
  return data as Record<string, unknown>;
};

export const postAsAxios = (url: string, body: object): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { Accept: 'application/json, text/plain, */*', 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
