import { expect } from 'chai';
import { BOMBS } from '../support/bombs.js';
import { codesOf, serveQueryApi, storeThatAnswers } from '../support/query-api.js';

const INVALID_FILTERS: readonly (readonly [string, object])[] = [
  ['a text beyond 200 characters', { search: 'x'.repeat(201) }],
  ['a lone surrogate', { search: '\uD800' }],
  ['a NUL', { search: 'a\0b' }],
  ['a type that is too long', { type: 'x'.repeat(201) }],
  ['too many genres', { genres: Array.from({ length: 51 }, () => 'Action') }],
  ['a genre that is too long', { genres: ['x'.repeat(201)] }],
  ['another order', { sortBy: 'members' }],
  ['an order that objects have', { sortBy: '__proto__' }],
];

/** Any question to the store would be an INTERNAL_SERVER_ERROR here. */
describe('queries that are refused', () => {
  let api: Awaited<ReturnType<typeof serveQueryApi>>;

  before(async () => (api = await serveQueryApi({ readStore: storeThatAnswers() })));
  after(() => api.stop());

  const refuses = async (query: string, variables: object = {}, code = 'BAD_USER_INPUT') =>
    expect(codesOf(await api.ask(query, variables))).to.deep.equal([code]);

  for (const { name, query, limit } of BOMBS) {
    it(`refuses ${name} by its code and counts it`, async () => {
      const counted = async () => {
        const { values } = await api.metrics.graphqlRefused.get();
        return values.find(({ labels }) => labels.limit === limit)?.value ?? 0;
      };
      const before = await counted();
      await refuses(query, {}, `${limit.toUpperCase()}_LIMIT_EXCEEDED`);
      expect(await counted()).to.equal(before + 1);
    });
  }

  for (const field of ['topAnimesByViews', 'topAnimesByRating', 'trendingAnimes']) {
    for (const limit of [0, -1, 101, 2_147_483_647]) {
      it(`refuses ${field} with a limit of ${limit}`, () =>
        refuses(`query($limit: Int!) { ${field}(limit: $limit) { totalViews } }`, { limit }));
    }
  }

  it('names the wrong argument and its limits', async () => {
    expect(await api.ask('{ topAnimesByViews(limit: 101) { animeId } }')).to.deep.equal({
      data: null,
      errors: [
        {
          message: 'limit must be a whole number from 1 to 100.',
          locations: [{ line: 1, column: 3 }],
          path: ['topAnimesByViews'],
          extensions: { code: 'BAD_USER_INPUT', argument: 'limit' },
        },
      ],
    });
  });

  for (const days of [0, -7, 3651]) {
    it(`refuses a window of ${days} days`, () =>
      refuses('query($days: Int) { trendingAnimes(days: $days) { title } }', { days }));
  }

  for (const [page, pageSize] of [
    [0, 20],
    [-1, 20],
    [1_000_001, 20],
    [1, 0],
    [1, 101],
  ]) {
    it(`refuses page ${page} of ${pageSize}`, () =>
      refuses(
        'query($page: Int!, $pageSize: Int!) { searchAnimes(page: $page, pageSize: $pageSize) { total } }',
        { page, pageSize },
      ));
  }

  for (const [name, filters] of INVALID_FILTERS) {
    it(`refuses filters with ${name}`, () =>
      refuses('query($filters: AnimeFilters) { searchAnimes(filters: $filters) { total } }', {
        filters,
      }));
  }

  for (const minRevision of ['', '-1', '01', '1.0', '1e3', ' 1', '9'.repeat(20), 'latest']) {
    it(`refuses ${JSON.stringify(minRevision)} as a revision`, async () => {
      const arguments_ = '(animeId: 1, minRevision: $r)';
      for (const field of [
        `animeStats${arguments_} { animeId }`,
        `anime${arguments_} { title }`,
        `ratingDistribution${arguments_} { total }`,
        'recommendedAnimes(basedOnAnimeId: 1, minRevision: $r) { title }',
      ]) {
        await refuses(`query($r: String) { ${field} }`, { r: minRevision });
      }
    });
  }

  for (const userId of ['', '  ', 'x'.repeat(129), 'a\0b', '\uDC00']) {
    it(`refuses ${JSON.stringify(userId).slice(0, 20)} as a user id`, () =>
      refuses('query($id: String!) { userInteractions(userId: $id) { edges { cursor } } }', {
        id: userId,
      }));
  }

  for (const after of ['', '1', 'YW5pbWU6MA', 'YW5pbWU6MQ==', '../../etc/passwd']) {
    it(`refuses ${JSON.stringify(after)} as a cursor`, () =>
      refuses(
        'query($after: String) { userInteractions(userId: "spike", after: $after) { edges { cursor } } }',
        { after },
      ));
  }

  for (const operator of [{ $gt: '' }, { $ne: null }, ['spike'], 7, true, { toString: 'spike' }]) {
    it(`refuses ${JSON.stringify(operator)} as an id and as text`, async () => {
      await refuses('query($id: String!) { userInteractions(userId: $id) { edges { cursor } } }', {
        id: operator,
      });
      await refuses('query($s: String) { searchAnimes(filters: { search: $s }) { total } }', {
        s: operator,
      });
    });
  }

  for (const animeId of [{ $gt: 0 }, '1', 1.5, [1, 2], true, 2 ** 31, -(2 ** 31) - 1]) {
    it(`refuses ${JSON.stringify(animeId)} as an anime id`, () =>
      refuses('query($id: Int!) { animeStats(animeId: $id) { totalViews } }', { id: animeId }));
  }

  it('refuses a filter that the schema does not have', () =>
    refuses('query($f: AnimeFilters) { searchAnimes(filters: $f) { total } }', {
      f: { $where: 'sleep(1000)' },
    }));

  it('answers a hundred wrong variables with a bounded number of errors', async () => {
    const genres = Array.from({ length: 1000 }, (_, index) => index);
    const { errors = [] } = await api.ask(
      'query($f: AnimeFilters) { searchAnimes(filters: $f) { total } }',
      { f: { genres } },
    );
    expect(errors.length).to.be.within(1, 51);
  });
});

describe('__proto__ in a query', () => {
  const POISON = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';

  const answers = {
    genres: () => Promise.resolve(['Action']),
    search: () => Promise.resolve({ items: [], total: 0 }),
  };
  let api: Awaited<ReturnType<typeof serveQueryApi>>;

  before(async () => (api = await serveQueryApi({ readStore: storeThatAnswers(answers) })));
  after(() => api.stop());

  const send = async (query: string, variables: string): Promise<unknown> =>
    (await api.post(`{"query":${JSON.stringify(query)},"variables":${variables}}`)).json();

  const unpolluted = () => expect({}).to.not.have.property('polluted');

  it('changes nothing as an undeclared variable', async () => {
    expect(await send('{ genres }', `${POISON}}`)).to.deep.equal({ data: { genres: ['Action'] } });
    unpolluted();
  });

  it('changes nothing as a declared variable', async () => {
    const query = 'query($__proto__: AnimeFilters) { searchAnimes(filters: $__proto__) { total } }';
    await send(query, '{"__proto__":{"search":"x"}}');
    unpolluted();
  });

  it('is refused within a filter', async () => {
    const query = 'query($f: AnimeFilters) { searchAnimes(filters: $f) { total } }';
    expect(await send(query, `{"f":${POISON}}}`)).to.have.nested.property(
      'errors[0].extensions.code',
      'BAD_USER_INPUT',
    );
    unpolluted();
  });

  it('is only a name as an alias', async () => {
    const response = await api.post(JSON.stringify({ query: '{ __proto__: genres }' }));
    expect(await response.text()).to.equal('{"data":{"__proto__":["Action"]}}');
    unpolluted();
  });
});
