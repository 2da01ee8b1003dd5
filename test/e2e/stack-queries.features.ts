import { expect } from 'chai';
import { VERSION } from '../../src/platform/package.js';
import { searchText } from '../../src/wire/search-text.js';
import { byCodePoints } from '../contract/read-store/given.js';
import { eventually } from '../support/eventually.js';
import { APOLLO_CLIENTS, askAsApollo, operationsOfFrontEnds } from '../support/front-ends.js';
import { query, send } from '../support/http-client.js';
import type { FourProcesses } from '../support/stack/four-processes.js';
import { freshAnimeIds, statsOf } from '../support/stack/story.js';

const STATS = 'animeId totalClicks totalViews totalRatings averageRating totalDurationSeconds';

type Item = Readonly<Record<string, unknown>>;

/**
 * What clients ask, each question with the variables that they declare. On a log with a past the
 * lists are full of others: then ours must be in its place, or be behind a full page of better ones.
 */
export const answersOfTheQueryApi = (stack: () => FourProcesses, hasPast: () => boolean): void => {
  const [favourite = 0, close = 0, distant = 0] = freshAnimeIds(3);
  const [genre, shared] = [`Drama ${favourite}`, `Comedy ${favourite}`];
  const fan = `fan-${favourite}`;
  const ask = (document: string, variables: Record<string, unknown> = {}) =>
    query(stack().queryUrl(), document, variables);
  const command = async (method: string, path: string, body: object): Promise<unknown> => {
    const answer = await send(method, `${stack().commandUrl()}/${path}`, body);
    expect(answer.status, path).to.equal(201);
    return answer.body['revision'];
  };
  const interact = (path: string, animeId: number, user: string, more: object = {}) =>
    command('POST', path, { anime_id: animeId, user_id: user, ...more });

  const stats = {
    animeId: favourite,
    totalClicks: 3,
    totalViews: 8,
    totalRatings: 5,
    averageRating: 8.7,
    totalDurationSeconds: 480,
  };

  it('returns the interactions of six users with a title, the later rating replacing the earlier', async () => {
    const details = { type: 'TV', episodes: 12, score: 9.5, popularity: 3 };
    for (const [animeId, genres, score] of [
      [favourite, [genre, shared], 9.5],
      [close, [shared, genre], 5.25],
      [distant, [shared], 9.75],
    ] as const) {
      const title = `Title ${animeId} of ${favourite}`;
      await command('PUT', `animes/${animeId}`, { ...details, title, genres, score });
    }
    for (let count = 0; count < 3; count += 1) await interact('click', favourite, fan);
    for (let count = 0; count < 8; count += 1) {
      await interact('view', favourite, `${fan}-${count % 2}`, { duration_seconds: 60 });
    }
    await interact('rating', favourite, fan, { rating: 1 });
    for (const rating of [7, 8, 9, 10]) {
      await interact('rating', favourite, `${fan}-${rating}`, { rating });
    }
    const later = await interact('click', close, fan);
    const last = await interact('rating', favourite, fan, { rating: 9.5 });
    await eventually(
      async () => {
        const { totalClicks, ...more } = (await statsOf(
          stack().queryUrl(),
          favourite,
          last,
        )) as Item;
        expect({ animeId: favourite, totalClicks, ...more }).to.deep.equal(stats);
        await statsOf(stack().queryUrl(), close, later);
      },
      { withinMs: 30_000 },
    );
  });

  /** Best first, and ours where it belongs: in the first place of a log that is ours alone. */
  const expectRanked = (items: unknown, id: string, of: string, expected: Item): void => {
    const list = items as readonly Item[];
    const values = list.map((item) => Number(item[of]));
    expect(values).to.deep.equal(values.toSorted((a, b) => b - a));
    const ours = list.find((item) => item[id] === favourite);
    if (!hasPast()) expect(list[0]).to.equal(ours);
    if (ours !== undefined) expect(ours).to.deep.equal(expected);
    else expect([list.length, values.at(-1)]).to.satisfy(isFullAndBetter(Number(expected[of])));
  };
  const isFullAndBetter = (value: number) => (page: readonly [number, number]) =>
    page[0] === 100 && page[1] >= value;

  it('returns the most viewed and the best rated', async () => {
    const { byViews, byRating } = await ask(
      `query Top($limit: Int!) {
        byViews: topAnimesByViews(limit: $limit) { ${STATS} }
        byRating: topAnimesByRating(limit: $limit) { ${STATS} }
      }`,
      { limit: 100 },
    );
    expectRanked(byViews, 'animeId', 'totalViews', stats);
    expectRanked(byRating, 'animeId', 'averageRating', stats);
    for (const { totalViews } of byViews as readonly Item[]) expect(totalViews).to.be.above(0);
    for (const { totalRatings } of byRating as readonly Item[]) {
      expect(totalRatings).to.be.at.least(5);
    }
  });

  it('returns trending anime', async () => {
    const { trendingAnimes } = await ask(
      `query Trending($limit: Int!, $days: Int) {
        trendingAnimes(limit: $limit, days: $days) { myanimelistId totalViews totalClicks }
      }`,
      { limit: 100, days: 1 },
    );
    const list = trendingAnimes as readonly Item[];
    const index = list.findIndex(({ myanimelistId }) => myanimelistId === favourite);
    if (hasPast() && index === -1) return void expect(list).to.have.length(100);
    const { totalViews, totalClicks } = stats;
    expect(list[index]).to.deep.equal({ myanimelistId: favourite, totalViews, totalClicks });
    if (!hasPast()) expect(index).to.equal(0);
    const places = list.map(({ myanimelistId }) => myanimelistId);
    // One click is less than all of these, and a title without any is no trend.
    expect(places.indexOf(close)).to.satisfy((place: number) => place > index || place === -1);
    expect(places).not.to.include(distant);
  });

  it('recommends by shared genres, then by score', async () => {
    const { recommendedAnimes } = await ask(
      `query Recommended($animeId: Int!, $limit: Int!) {
        recommendedAnimes(basedOnAnimeId: $animeId, limit: $limit) { myanimelistId score genres }
      }`,
      { animeId: favourite, limit: 10 },
    );
    expect(recommendedAnimes).to.deep.equal([
      { myanimelistId: close, score: 5.25, genres: `${shared}, ${genre}` },
      { myanimelistId: distant, score: 9.75, genres: shared },
    ]);
  });

  it('returns every genre of the catalogue once, sorted', async () => {
    const { genres } = (await ask('{ genres }')) as { genres: readonly string[] };
    expect(genres).to.include.members(['Action', 'Sci-Fi', genre, shared]);
    const keys = genres.map(searchText);
    expect(keys).to.deep.equal([...new Set(keys)].toSorted(byCodePoints));
  });

  it('finds titles by filters, page by page', async () => {
    const filters = { search: `OF ${favourite}`, genres: [genre, shared], sortBy: 'score' };
    const page = (number: number, more: object = {}) =>
      ask(
        `query Search($page: Int!, $pageSize: Int!, $filters: AnimeFilters) {
          searchAnimes(page: $page, pageSize: $pageSize, filters: $filters) {
            items { myanimelistId } total page pageSize hasMore
          }
        }`,
        { page: number, pageSize: 2, filters: { ...filters, ...more } },
      );
    const found = (...ids: number[]) => ids.map((myanimelistId) => ({ myanimelistId }));
    expect((await page(1))['searchAnimes']).to.deep.equal({
      items: found(distant, favourite),
      total: 3,
      page: 1,
      pageSize: 2,
      hasMore: true,
    });
    expect((await page(2))['searchAnimes']).to.deep.equal({
      items: found(close),
      total: 3,
      page: 2,
      pageSize: 2,
      hasMore: false,
    });
    expect((await page(1, { minScore: 9.6 }))['searchAnimes']).to.have.property('total', 1);
  });

  it('returns the interactions of one user, page by page', async () => {
    const page = async (after: string | null) => {
      const { userInteractions } = await ask(
        `query Did($userId: String!, $after: String) {
          userInteractions(userId: $userId, first: 1, after: $after) {
            edges { node { animeId totalClicks totalViews totalDurationSeconds rating } }
            pageInfo { hasNextPage endCursor }
          }
        }`,
        { userId: fan, after },
      );
      return userInteractions as { edges: unknown; pageInfo: { endCursor: string } };
    };
    const none = { totalViews: 0, totalDurationSeconds: 0 };
    const first = await page(null);
    expect(first.edges).to.deep.equal([
      { node: { animeId: favourite, totalClicks: 3, ...none, rating: 9.5 } },
    ]);
    expect(first.pageInfo).to.have.property('hasNextPage', true);
    const second = await page(first.pageInfo.endCursor);
    expect(second.edges).to.deep.equal([
      { node: { animeId: close, totalClicks: 1, ...none, rating: null } },
    ]);
    expect(second.pageInfo).to.have.property('hasNextPage', false);
  });

  it('returns the rating distribution of a title', async () => {
    const { ratingDistribution } = await ask(
      `query Spread($animeId: Int!) {
        ratingDistribution(animeId: $animeId) { total average buckets { stars count } }
      }`,
      { animeId: favourite },
    );
    expect(ratingDistribution).to.deep.equal({
      total: 5,
      average: 8.7,
      buckets: [0, 0, 0, 0, 0, 0, 1, 1, 2, 1].map((count, at) => ({ stars: at + 1, count })),
    });
  });

  it('answers every query of the front ends as their clients send it', async () => {
    for (const client of Object.values(APOLLO_CLIENTS)) {
      for (const operation of operationsOfFrontEnds(favourite)) {
        const data = await askAsApollo(stack().queryUrl(), operation, client);
        expect(Object.values(data)).to.have.length(1).and.not.to.include(null);
      }
    }
  });

  it('returns service info without a lag that only another process knows', async () => {
    const info = 'version role readModels lagEvents lagSeconds';
    expect((await ask(`{ serviceInfo { ${info} } }`))['serviceInfo']).to.deep.equal({
      version: VERSION,
      role: 'query-api',
      readModels: 'v1',
      lagEvents: null,
      lagSeconds: null,
    });
  });
};
