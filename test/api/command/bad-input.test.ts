import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { expectProblem, serveCommandApi, type CommandApi } from '../../support/command-api.js';

const show = (value: unknown): string => JSON.stringify(value).slice(0, 60);

describe('bad input to the command API', () => {
  let api: CommandApi;
  let before_: number;
  before(async () => {
    api = await serveCommandApi();
    await api.list(1);
    before_ = await api.countEvents();
  });
  after(async () => {
    expect(await api.countEvents(), 'bad input left an event').to.equal(before_);
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
    await api.stop();
  });

  const GOOD = { anime_id: 1, user_id: 'a', duration_seconds: 1, rating: 5 };
  const without = (name: string) =>
    Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== name));

  const BAD: Readonly<Record<string, readonly unknown[]>> = {
    '/anime_id': [null, '1', [1], { $gt: '' }, true, 0, -1, 1.5, 2 ** 31, 2 ** 53, 'NaN', {}],
    '/user_id': [
      ...[
        null,
        1,
        ['a'],
        { $gt: '' },
        { $ne: null },
        true,
        '',
        '   ',
        '\u0000',
        'a\u0000b',
        'a\nb',
      ],
      ...['\ud800', 'a\udc00', 'x'.repeat(129), 'x'.repeat(10_000)],
    ],
    '/duration_seconds': [null, '10', [10], {}, -1, 0.5, 2 ** 31, true],
    '/rating': [null, '10', [5], {}, 0, 0.999, 10.001, -5, true],
  };
  const PATHS: Readonly<Record<string, readonly string[]>> = {
    '/anime_id': ['/click', '/view', '/rating'],
    '/user_id': ['/click', '/view', '/rating'],
    '/duration_seconds': ['/view'],
    '/rating': ['/rating'],
  };

  for (const [pointer, values] of Object.entries(BAD)) {
    const name = pointer.slice(1);
    for (const path of PATHS[pointer] ?? []) {
      it(`as ${name} of ${path} is 422 with a pointer to it`, async () => {
        for (const value of values) {
          const answer = await api.post(path, { ...GOOD, [name]: value });
          expect(expectProblem(answer, 422), show(value)).to.deep.equal([pointer]);
        }
        const missing = await api.post(path, without(name));
        expect(expectProblem(missing, 422)).to.deep.equal([pointer]);
        expect(missing.body['detail']).to.equal(`${name} is required.`);
      });
    }
  }

  for (const [field, text] of [
    ['anime_id', '1e309'],
    ['anime_id', '-0'],
    ['duration_seconds', '-0'],
    ['duration_seconds', '1e309'],
    ['rating', '1e309'],
    ['rating', '10.050000001'],
  ] as const) {
    it(`of ${field} as ${text} is 422`, async () => {
      const body = JSON.stringify({ ...GOOD, [field]: '#' }).replace('"#"', text);
      const path = field === 'rating' ? '/rating' : '/view';
      expect(expectProblem(await api.post(path, body), 422)).to.deep.equal([`/${field}`]);
    });
  }

  it('in several fields is reported for each of them', async () => {
    const answer = await api.post('/view', { anime_id: 'x', user_id: 5 });
    expect(expectProblem(answer, 422)).to.deep.equal([
      '/anime_id',
      '/user_id',
      '/duration_seconds',
    ]);
  });

  it('that is no object is 422 with a pointer to the whole body', async () => {
    for (const body of ['[]', '"a"', '5', 'null', 'true', '[{"anime_id":1,"user_id":"a"}]']) {
      expect(expectProblem(await api.post('/click', body), 422), body).to.deep.equal(['']);
      expect(expectProblem(await api.send('PUT', '/animes/1', body), 422), body).to.deep.equal([
        '',
      ]);
    }
  });

  it('never reaches a prototype', async () => {
    const inherited = '{"__proto__":{"anime_id":1,"user_id":"a","polluted":true}}';
    expectProblem(await api.post('/click', inherited), 422);
    const built = '{"constructor":{"prototype":{"polluted":true}},"anime_id":1}';
    expect(expectProblem(await api.post('/click', built), 422)).to.deep.equal(['/user_id']);
    const title = '{"__proto__":{"title":"A","polluted":true}}';
    expect(expectProblem(await api.send('PUT', '/animes/2', title), 422)).to.deep.equal(['/title']);
  });

  for (const [pointer, body] of [
    ['/title', {}],
    ['/title', { title: ' ' }],
    ['/title', { title: { $gt: '' } }],
    ['/title', { title: 'x'.repeat(501) }],
    ['/description', { title: 'A', description: '\ud800' }],
    ['/image', { title: 'A', image: 5 }],
    ['/type', { title: 'A', type: [] }],
    ['/episodes', { title: 'A', episodes: '26' }],
    ['/episodes', { title: 'A', episodes: -1 }],
    ['/genres', { title: 'A', genres: 'Action' }],
    ['/genres/1', { title: 'A', genres: ['Action', 7] }],
    ['/score', { title: 'A', score: 11 }],
    ['/popularity', { title: 'A', popularity: 1.5 }],
    ['/members', { title: 'A', members: 2 ** 53 }],
  ] as const) {
    it(`in the catalogue is 422: ${show(body)}`, async () => {
      expect(expectProblem(await api.send('PUT', '/animes/2', body), 422)).to.deep.equal([pointer]);
    });
  }

  for (const id of ['0', '-1', '01', '1.5', 'abc', '2147483648', '1e3', '１', 'a%2Fb']) {
    it(`as the id ${id} in a path is 400`, async () => {
      expectProblem(await api.send('PUT', `/animes/${id}`, { title: 'A' }), 400);
      expectProblem(await api.send('DELETE', `/animes/${id}`), 400);
      expectProblem(await api.send('GET', `/animes/${id}/events`), 400);
    });
  }

  for (const query of ['from=-1', 'from=x', 'from=1&from=2', 'limit=0', 'limit=501', 'limit=1.5']) {
    it(`as the query ${query} is 400`, async () => {
      expectProblem(await api.send('GET', `/animes/1/events?${query}`), 400);
    });
  }

  for (const value of ['5', '"5', 'W/5', '"a" "b"', ',', '*, "5"']) {
    it(`as If-Match ${value} is 400`, async () => {
      expectProblem(await api.post('/click', GOOD, { 'if-match': value }), 400);
    });
  }

  for (const value of ['5', '"5', 'W/5', '"a" "b"', ',', '*, "5"', '']) {
    it(`as If-None-Match ${value} is 400`, async () => {
      expectProblem(
        await api.send('PUT', '/animes/9', { title: 'A' }, { 'if-none-match': value }),
        400,
      );
    });
  }

  for (const value of ['W/"0"', '"abc"', '"1"', '"00"', '"99999999999999999999"', 'W/"0", "7"']) {
    it(`as If-Match ${value} is well formed and matches nothing: 412`, async () => {
      expectProblem(await api.post('/click', GOOD, { 'if-match': value }), 412);
    });
  }

  for (const value of ['x'.repeat(256), '""', '"a', 'a"b', 'two words']) {
    it(`as Idempotency-Key ${show(value)} is 400`, async () => {
      expectProblem(await api.post('/click', GOOD, { 'idempotency-key': value }), 400);
    });
  }

  describe('that cannot be read', () => {
    for (const [name, body, headers, status] of [
      ['broken JSON', '{"anime_id":1,', {}, 400],
      ['an empty body', '', {}, 400],
      ['another content type', JSON.stringify(GOOD), { 'content-type': 'text/html' }, 415],
      [
        'a form',
        'anime_id=1&user_id=a',
        { 'content-type': 'application/x-www-form-urlencoded' },
        415,
      ],
      ['too much', JSON.stringify({ ...GOOD, more: 'x'.repeat(20_000) }), {}, 413],
      ['deep JSON', `${'['.repeat(8000)}${']'.repeat(8000)}`, {}, 422],
      ['a million keys', `{${'"a":1,'.repeat(1_000_000)}"b":1}`, {}, 413],
    ] as const) {
      it(`is ${status}: ${name}`, async () => {
        expectProblem(await api.post('/click', body, headers), status);
      });
    }

    it('is 400: strings that are not UTF-8', async () => {
      const body = Buffer.concat([
        Buffer.from('{"anime_id":1,"user_id":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}'),
      ]);
      const response = await fetch(`${api.url}/click`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect(response.status).to.equal(400);
    });

    it('is 413: a small body that inflates to a large one', async () => {
      const response = await fetch(`${api.url}/click`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
        body: gzipSync(JSON.stringify({ ...GOOD, more: ' '.repeat(50_000_000) })),
      });
      expect(response.status).to.equal(413);
    });
  });
});
