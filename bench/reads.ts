import { benchArguments } from './support/arguments.js';
import { runLoad, type LoadResult } from './support/http-load.js';
import { graphqlRequest } from './support/http-request.js';
import { compiled } from './support/paths.js';
import { preload } from './support/preload.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { startLimit } from './support/server-process.js';
import { withService, type Service } from './support/service.js';

/** Queries a second, beside graphql-http answering the same top list from memory (L3). */

const { quick, rounds, durationMs } = benchArguments();

const STATS = '{ animeId totalClicks totalViews totalRatings averageRating totalDurationSeconds }';
const TOP_BY_VIEWS = graphqlRequest(
  `query Top($limit: Int!) { topAnimesByViews(limit: $limit) ${STATS} }`,
  { limit: 10 },
);
const TOP_BY_RATING = graphqlRequest(
  `query Top($limit: Int!) { topAnimesByRating(limit: $limit) ${STATS} }`,
  { limit: 10 },
);
const SEARCH = graphqlRequest(
  `query Search($page: Int!, $pageSize: Int!, $filters: AnimeFilters) {
    searchAnimes(page: $page, pageSize: $pageSize, filters: $filters) {
      items { myanimelistId title genres score totalViews } total hasMore
    }
  }`,
  { page: 1, pageSize: 20, filters: { search: 'anime 1', sortBy: 'views' } },
);
const TRENDING = graphqlRequest(
  `query Trending($limit: Int!, $days: Int!) {
    trendingAnimes(limit: $limit, days: $days) { myanimelistId title totalClicks totalViews }
  }`,
  { limit: 10, days: 7 },
);
const ONE = graphqlRequest(`query One($animeId: Int!) { animeStats(animeId: $animeId) ${STATS} }`, {
  animeId: 7,
});

const ask = async (port: number, request: Buffer, ms: number): Promise<LoadResult> => {
  const result = await runLoad({
    port,
    next: () => request,
    first: request,
    durationMs: ms,
    onAnswer: ({ body }) => {
      if (body.includes('"errors"')) throw new Error(`A query failed: ${body}`);
    },
  });
  if (result.statuses[200] !== result.requests) {
    throw new Error(`Not every query was answered: ${JSON.stringify(result.statuses)}.`);
  }
  return result;
};

const measure = async (service: Service) => {
  const limit = await startLimit(compiled('bench/limits/l3-graphql.js'));
  try {
    await preload(service, quick ? 2_000 : 20_000);
    const contenders = [
      ['L3', limit.port, TOP_BY_VIEWS],
      ['topAnimesByViews', service.queryPort, TOP_BY_VIEWS],
      ['topAnimesByRating', service.queryPort, TOP_BY_RATING],
      ['animeStats', service.queryPort, ONE],
      ['trendingAnimes', service.queryPort, TRENDING],
      ['searchAnimes', service.queryPort, SEARCH],
    ] as const;
    for (const [, port, request] of contenders) await ask(port, request, durationMs / 4);
    return await interleaved(
      contenders.map(([name, port, request]) => ({
        name,
        measure: () => ask(port, request, durationMs),
      })),
      { rounds },
    );
  } finally {
    await limit.stop();
  }
};

printHost();
const results = await withService(measure);
const limits = (results.get('L3') ?? []).map(({ perSecond }) => perSecond);
const rows = [...results].map(([name, found]) => ({
  name,
  perSecond: median(found.map(({ perSecond }) => perSecond)),
  toL3: ratio(
    found.map(({ perSecond }) => perSecond),
    limits,
  ),
  p50Ms: median(found.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(found.map(({ p99Ms }) => p99Ms)),
}));
printTable(
  ['query', 'queries/s', 'x L3', 'lowest', 'highest', 'p50 ms', 'p99 ms'],
  rows.map(({ name, perSecond, toL3, p50Ms, p99Ms }) => [
    name,
    Math.round(perSecond),
    ...[toL3.median, toL3.lowest, toL3.highest, p50Ms, p99Ms],
  ]),
);
printJson('reads', { quick, rounds, rows });
