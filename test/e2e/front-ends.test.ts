import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import {
  APOLLO_CLIENTS,
  askAsApollo,
  operationsOfFrontEnds,
  postAsAxios,
  sendAsApollo,
  type ApolloClient,
} from '../support/front-ends.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const POKEMON = {
  title: 'Pokémon',
  description: null,
  image: 'https://example.org/1.jpg',
  type: 'TV',
  episodes: 276,
  score: 7.39,
  popularity: 342,
};
const DIGIMON = { ...POKEMON, title: 'Digimon', image: null, score: 7.65, popularity: 700 };

/** One origin for both APIs: `/api` without that prefix to the commands, the rest to the queries. */
const startProxy = async ({ commandUrl, queryUrl }: ServiceProcess): Promise<Server> => {
  const proxy = createServer((incoming, outgoing) => {
    const { url = '/', method = 'GET', headers } = incoming;
    const target = url.startsWith('/api/')
      ? new URL(url.slice('/api'.length), commandUrl)
      : new URL(url, queryUrl);
    const passed = request(target, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return proxy;
};

describe('existing front ends', function () {
  this.timeout(120_000);
  const [pokemon, digimon] = [527, 552];
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  let proxy: Server | undefined;
  let origin: string;

  before(async () => {
    directory = await temporaryDirectory();
    service = await startServiceProcess({ dataDir: directory.path });
    proxy = await startProxy(service);
    origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    for (const [id, details, genres] of [
      [pokemon, POKEMON, ['Action', 'Comedy']],
      [digimon, DIGIMON, ['action']],
    ] as const) {
      const listed = await send('PUT', `${origin}/api/animes/${id}`, { ...details, genres });
      expect(listed.status).to.equal(201);
    }
  });

  after(async () => {
    proxy?.closeAllConnections();
    proxy?.close();
    await service.end('SIGKILL');
    await directory.remove();
  });

  it('send commands with axios and show the result', async () => {
    let revision: unknown;
    const command = async (path: string, body: object) => {
      const response = await postAsAxios(`${origin}/api/${path}`, body);
      const answer = (await response.json()) as Record<string, unknown>;
      expect(response.status, path).to.equal(201);
      expect(answer).to.include({ status: 'ok' });
      expect(answer['message']).to.be.a('string');
      revision = answer['revision'];
    };
    const by = (user: number) => ({ anime_id: pokemon, user_id: `user-${user}` });
    await command('click', by(1));
    await command('view', { ...by(1), duration_seconds: 90 });
    for (const user of [1, 2, 3, 4, 5]) await command('rating', { ...by(user), rating: 8.5 });
    const { animeStats } = await query(
      `${origin}/graphql`,
      `query($animeId: Int!, $minRevision: String) {
        animeStats(animeId: $animeId, minRevision: $minRevision) { totalRatings }
      }`,
      { animeId: pokemon, minRevision: revision },
    );
    expect(animeStats).to.deep.equal({ totalRatings: 5 });
  });

  it('show the detail of an error', async () => {
    for (const [path, body, status] of [
      ['click', { anime_id: 1, user_id: 'a' }, 404],
      ['rating', { anime_id: pokemon, user_id: 'a', rating: 11 }, 422],
    ] as const) {
      const response = await postAsAxios(`${origin}/api/${path}`, body);
      expect(response.status).to.equal(status);
      expect(await response.json())
        .to.have.property('detail')
        .that.is.a('string');
    }
  });

  const counters = { totalClicks: 1, totalViews: 1, totalRatings: 5, averageRating: 8.5 };
  const stats = {
    animeId: pokemon,
    ...counters,
    totalDurationSeconds: 90,
    __typename: 'AnimeStats',
  };
  const shown = { ...stats, title: POKEMON.title, image: POKEMON.image };
  const withStats = (id: number, details: object, genres: string, given: object = counters) => ({
    myanimelistId: id,
    ...details,
    genres,
    ...given,
    __typename: 'AnimeWithStats',
  });
  const none = { totalClicks: 0, totalViews: 0, totalRatings: 0, averageRating: null };
  const first = withStats(pokemon, POKEMON, 'Action, Comedy');
  const second = withStats(digimon, DIGIMON, 'action', none);
  const page = (pageSize: number, ...items: readonly object[]) => ({
    searchAnimes: {
      items,
      total: items.length,
      page: 1,
      pageSize,
      hasMore: false,
      __typename: 'PaginatedAnimes',
    },
  });

  /** In the order of the operations. */
  const answers = [
    { topAnimesByViews: [stats] },
    { topAnimesByRating: [stats] },
    { topAnimesByViews: [shown] },
    { topAnimesByRating: [shown] },
    { animeStats: stats },
    { anime: { myanimelistId: pokemon, ...POKEMON, __typename: 'Anime' } },
    page(20, first, second),
    page(12, first),
    page(20, first, second),
    { trendingAnimes: [first] },
    { trendingAnimes: [first] },
    { recommendedAnimes: [second] },
    { genres: ['Action', 'Comedy'] },
  ];

  for (const [name, client] of Object.entries(APOLLO_CLIENTS)) {
    for (const at of ['port', 'proxy'] as const) {
      it(`get a result for each query that ${name} sends to the ${at}`, async () => {
        const url = at === 'port' ? service.queryUrl : `${origin}/graphql`;
        const asked = operationsOfFrontEnds(pokemon);
        expect(asked).to.have.length(answers.length);
        for (const [place, operation] of asked.entries()) {
          const data = await askAsApollo(url, operation, client);
          expect(data, operation.operationName).to.deep.equal(answers[place]);
        }
      });
    }

    it(`get a result for each query where ${name} first sends its hash`, async () => {
      for (const operation of operationsOfFrontEnds(pokemon)) {
        await expectFallback(service.queryUrl, operation, client);
      }
    });
  }

  /** Apollo reads the errors of an answer whatever its status, and then sends the query. */
  const expectFallback = async (
    url: string,
    { query, ...probe }: ReturnType<typeof operationsOfFrontEnds>[number],
    client: ApolloClient,
  ): Promise<void> => {
    const persistedQuery = { version: 1, sha256Hash: '0'.repeat(64) };
    const extensions = { ...client.extensions, persistedQuery };
    const told = await sendAsApollo(url, probe, { ...client, extensions });
    const { errors } = (await told.json()) as { errors: readonly { message: string }[] };
    expect(errors.map(({ message }) => message)).to.deep.equal(['PersistedQueryNotSupported']);
    const data = await askAsApollo(url, { ...probe, query }, client);
    expect(Object.keys(data)).to.have.length(1);
  };
});
