import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const SAMPLE = ['--sample-catalog', 'data/sample-catalog.csv'];

const STATS = `query Stats($animeId: Int!, $minRevision: String) {
  animeStats(animeId: $animeId, minRevision: $minRevision) {
    animeId totalClicks totalViews totalRatings averageRating totalDurationSeconds
  }
}`;

const TOP = `query Top($limit: Int!) { topAnimesByViews(limit: $limit) { animeId totalViews } }`;

const TREND = `query Trend($days: Int!) {
  trendingAnimes(days: $days) { myanimelistId }
}`;

const LAST_CLICKS = `{ userInteractions(userId: "offline") { edges { node { animeId lastClickAt } } } }`;

const SEARCH = `query Search($page: Int!, $pageSize: Int!, $filters: AnimeFilters) {
  searchAnimes(page: $page, pageSize: $pageSize, filters: $filters) {
    items { myanimelistId title genres } total hasMore
  }
}`;

const scrape = async (url: string): Promise<string> =>
  (await fetch(new URL('/metrics', url))).text();

describe('the whole service in one process', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess | undefined;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    service = undefined;
  });

  afterEach(async () => {
    await service?.end('SIGKILL');
    await directory.remove();
  });

  const start = async (...args: string[]): Promise<ServiceProcess> => {
    service = await startServiceProcess({ dataDir: directory.path, args });
    return service;
  };

  it('shows each metric on one port only, and the freshness of documents', async () => {
    const { commandUrl, queryUrl } = await start(...SAMPLE);
    await eventually(async () => {
      const text = await scrape(commandUrl);
      expect(text).to.match(
        /^anime_analytics_read_model_freshness_seconds_count\{version="v1"\} \d/m,
      );
    });
    const seriesOf = async (url: string): Promise<readonly string[]> =>
      [...(await scrape(url)).matchAll(/^([a-z]\S*) /gm)].map(([, series = '']) => series);
    const onCommands = new Set(await seriesOf(commandUrl));
    const onQueries = await seriesOf(queryUrl);
    expect(onQueries).to.include('anime_analytics_read_models_bytes');
    expect(onQueries.filter((series) => onCommands.has(series))).to.deep.equal([]);
  });

  it('shows a batch of a client that was offline on the days when it happened', async () => {
    const { commandUrl, queryUrl } = await start(...SAMPLE);
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const lately = ago(1);
    const { body } = await send('POST', `${commandUrl}/batch`, [
      { type: 'click', anime_id: 5, user_id: 'offline', occurred_at: lately, id: 'click-1' },
      { type: 'click', anime_id: 5, user_id: 'offline', occurred_at: ago(2), id: 'click-2' },
      { type: 'click', anime_id: 1, user_id: 'offline', occurred_at: ago(96), id: 'click-3' },
      { type: 'click', anime_id: 2_000_000_000, user_id: 'offline' },
    ]);
    const results = body['results'] as readonly { status: number; revision: string }[];
    expect(results.map(({ status }) => status)).to.deep.equal([201, 201, 201, 404]);
    await Promise.all(
      [5, 1].map((animeId, index) =>
        query(queryUrl, STATS, { animeId, minRevision: results[index + 1]?.revision }),
      ),
    );
    const idsOfTrend = async (days: number) => {
      const { trendingAnimes } = await query(queryUrl, TREND, { days });
      return (trendingAnimes as readonly { myanimelistId: number }[]).map(
        ({ myanimelistId }) => myanimelistId,
      );
    };
    expect(await idsOfTrend(1)).to.deep.equal([5]);
    expect(await idsOfTrend(7)).to.deep.equal([5, 1]);
    const { userInteractions } = await query(queryUrl, LAST_CLICKS);
    expect(userInteractions).to.have.nested.property('edges[1].node.lastClickAt', lately);
  });

  it('accepts a command and answers a query that includes it', async () => {
    const { commandUrl, queryUrl } = await start(...SAMPLE);
    const body = { anime_id: 1, user_id: 'user123' };
    expect((await send('POST', `${commandUrl}/click`, body)).status).to.equal(201);
    const view = await send('POST', `${commandUrl}/view`, { ...body, duration_seconds: 1440 });
    expect(view.status).to.equal(201);
    const rating = await send('POST', `${commandUrl}/rating`, { ...body, rating: 8.75 });
    expect(rating.status).to.equal(201);
    const minRevision = rating.body['revision'];
    const { animeStats } = await query(queryUrl, STATS, { animeId: 1, minRevision });
    expect(animeStats).to.deep.equal({
      animeId: 1,
      totalClicks: 1,
      totalViews: 1,
      totalRatings: 1,
      averageRating: 8.75,
      totalDurationSeconds: 1440,
    });
    const { topAnimesByViews } = await query(queryUrl, TOP, { limit: 10 });
    expect(topAnimesByViews).to.deep.equal([{ animeId: 1, totalViews: 1 }]);
  });

  it('imports the sample catalogue into an empty store only', async () => {
    const first = await start(...SAMPLE);
    const search = { page: 1, pageSize: 20, filters: { search: 'cowboy bebop' } };
    const found = await eventually(async () => {
      const { searchAnimes } = await query(first.queryUrl, SEARCH, search);
      expect(searchAnimes).to.have.property('total', 2);
      return searchAnimes;
    });
    expect(found)
      .to.have.nested.property('items[0].title')
      .that.matches(/cowboy bebop/i);
    const gone = await send('DELETE', `${first.commandUrl}/animes/5`);
    expect(gone.status).to.equal(200);
    expect(await first.end('SIGTERM')).to.equal(0);
    const second = await start(...SAMPLE);
    const click = await send('POST', `${second.commandUrl}/click`, { anime_id: 5, user_id: 'a' });
    expect(click.status).to.equal(410);
  });

  it('imports nothing unless told to', async () => {
    const { commandUrl } = await start();
    const click = await send('POST', `${commandUrl}/click`, { anime_id: 1, user_id: 'a' });
    expect(click.status).to.equal(404);
  });

  it('keeps all data after a restart', async () => {
    const before = await start(...SAMPLE);
    const click = { anime_id: 20, user_id: 'user123' };
    for (let count = 0; count < 5; count++) await send('POST', `${before.commandUrl}/click`, click);
    expect(await before.end('SIGINT')).to.equal(0);
    const after = await start();
    const answer = await send('POST', `${after.commandUrl}/click`, click);
    expect(answer.body).to.have.property('revision', '6');
    const { animeStats } = await query(after.queryUrl, STATS, { animeId: 20, minRevision: '6' });
    expect(animeStats).to.have.property('totalClicks', 6);
  });

  it('refuses a second process on the same data and names its owner', async () => {
    const { pid } = await start();
    const second = await startServiceProcess({ dataDir: directory.path }).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(second?.message).to.contain('DATA_DIR').and.to.contain(String(pid));
  });

  it('is healthy, ready and alive on both ports, and describes itself', async () => {
    const { commandUrl, queryUrl } = await start();
    for (const url of [commandUrl, queryUrl.replace('/graphql', '')]) {
      for (const path of ['/health', '/ready', '/live']) {
        expect((await send('GET', url + path)).status, url + path).to.equal(200);
      }
      expect((await fetch(`${url}/metrics`)).status).to.equal(200);
    }
    const openapi = await send('GET', `${commandUrl}/openapi.json`);
    expect(openapi.body).to.have.property('openapi').that.matches(/^3\.1/);
  });
});
