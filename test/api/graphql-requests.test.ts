import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  expectProblem,
  serveQueryApi,
  storeThatAnswers,
  type Answer,
} from '../support/query-api.js';

describe('a GraphQL request', () => {
  let api: Awaited<ReturnType<typeof serveQueryApi>>;

  before(async () => {
    const readStore = storeThatAnswers({ genres: () => Promise.resolve(['Action']) });
    api = await serveQueryApi({ readStore });
  });

  after(() => api.stop());

  const GENRES = JSON.stringify({ query: '{ genres }' });
  const ANSWER = { data: { genres: ['Action'] } };
  const GRAPHQL = 'application/graphql-response+json';

  const get = (parameters: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${api.url}?${new URLSearchParams(parameters).toString()}`, { headers });

  /** What GraphQL refuses is a GraphQL answer, in the type that the client asked for. */
  const expectRefusal = async (response: Response, status: number, message: string) => {
    const { errors } = (await response.json()) as Answer;
    expect(errors?.map((error) => error.message)).to.deep.equal([message]);
    expect(response.status).to.equal(status);
  };

  describe('a body', () => {
    for (const contentType of [
      'application/json',
      'application/json; charset=utf-8',
      'application/json;charset="utf-8"',
      'Application/JSON; Charset="UTF-8"',
      'application/json; profile="a;b"; charset=utf-8',
    ]) {
      it(`is accepted as ${contentType}`, async () => {
        const response = await api.post(GENRES, { 'Content-Type': contentType });
        expect(await response.json()).to.deep.equal(ANSWER);
      });
    }

    it('may begin with a byte order mark', async () => {
      const response = await api.post(`\ufeff${GENRES}`);
      expect(await response.json()).to.deep.equal(ANSWER);
    });

    it('may be compressed', async () => {
      const body = new Uint8Array(gzipSync(GENRES));
      const response = await api.post(body, { 'Content-Encoding': 'gzip' });
      expect(await response.json()).to.deep.equal(ANSWER);
    });

    for (const contentType of [
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      'application/graphql',
      'text/plain',
      'application/json+graphql',
    ]) {
      it(`is refused with 415 as ${contentType}`, async () => {
        const response = await api.post(GENRES, { 'Content-Type': contentType });
        await expectProblem(response, 415, /application\/json/);
      });
    }

    it('is refused with 415 in another charset or an unknown encoding', async () => {
      for (const charset of ['latin1', '"utf-16"', 'x']) {
        const contentType = `application/json; charset=${charset}`;
        await expectProblem(await api.post(GENRES, { 'Content-Type': contentType }), 415, /UTF-8/);
      }
      const encoded = await api.post(GENRES, { 'Content-Encoding': 'compress' });
      await expectProblem(encoded, 415, /content encoding/);
    });

    it('is refused with 400 where it is empty, not UTF-8 or not JSON', async () => {
      const start = Buffer.from('{"query":"{genres}","x":"');
      const body = new Uint8Array(Buffer.concat([start, Buffer.of(0xff, 0x22, 0x7d)]));
      await expectProblem(await api.post(''), 400, /empty/);
      await expectProblem(await api.post(body), 400, /not valid UTF-8/);
      await expectProblem(await api.post('{"query":'), 400, /not valid JSON/);
    });

    it('is refused with 413 beyond its limit', async () => {
      const body = JSON.stringify({ query: `{genres}${' '.repeat(40_000)}` });
      await expectProblem(await api.post(body), 413, /too large/);
    });
  });

  describe('parameters', () => {
    it('are one operation, not a batch', async () => {
      const response = await api.post(' [{"query":"{genres}"},{"query":"{genres}"}]');
      expect(response.status).to.equal(400);
      expect(await response.json()).to.deep.equal({
        errors: [
          {
            message: 'Send one operation per request: batches are not supported.',
            extensions: { code: 'BAD_REQUEST' },
          },
        ],
      });
    });

    for (const [body, message] of [
      ['1', 'The body must be a JSON object.'],
      ['null', 'The body must be a JSON object.'],
      ['{}', 'The query is missing.'],
      ['{"query":null}', 'The query is missing.'],
      ['{"query":1}', 'query must be a string.'],
      ['{"query":"{genres}","operationName":1}', 'operationName must be a string.'],
      ['{"query":"{genres}","variables":[{}]}', 'variables must be an object.'],
      ['{"query":"{genres}","extensions":"a"}', 'extensions must be an object.'],
      ['{"documentId":"sha256:00"}', 'The query is missing.'],
    ] as const) {
      it(`are refused with 400 under either media type: ${body}`, async () => {
        for (const accept of ['application/json', GRAPHQL]) {
          const response = await api.post(body, { Accept: accept });
          expect(response.headers.get('content-type')).to.equal(`${accept}; charset=utf-8`);
          await expectRefusal(response, 400, message);
        }
      });
    }

    it('of null, and an empty operation name, are ignored', async () => {
      const none = { operationName: '', variables: null, extensions: null };
      const response = await api.post(JSON.stringify({ query: '{ genres }', ...none }));
      expect(await response.json()).to.deep.equal(ANSWER);
    });

    it('are read from the URL of a GET, also with a question mark in them', async () => {
      const query = 'query Q { genres } # what?';
      const more = { operationName: '', variables: '', extensions: '{}' };
      expect(await (await get({ query, ...more })).json()).to.deep.equal(ANSWER);
      const raw = await fetch(`${api.url}?query={genres}%20%23?`);
      expect(await raw.json()).to.deep.equal(ANSWER);
    });

    it('of a GET that are malformed are refused with 400', async () => {
      await expectRefusal(await get({}), 400, 'The query is missing.');
      await expectRefusal(
        await get({ query: '{genres}', variables: '{' }),
        400,
        'variables must be JSON.',
      );
    });
  });

  describe("Apollo's persisted queries", () => {
    const persistedQuery = { version: 1, sha256Hash: 'a'.repeat(64) };
    const probe = { operationName: 'Genres', variables: {}, extensions: { persistedQuery } };
    const NOT_SUPPORTED = {
      errors: [
        {
          message: 'PersistedQueryNotSupported',
          extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
        },
      ],
    };

    for (const [accept, status] of [
      ['*/*', 200],
      ['application/json', 200],
      [`${GRAPHQL},application/json;q=0.9`, 400],
    ] as const) {
      it(`are answered PersistedQueryNotSupported, with ${status} for Accept ${accept}`, async () => {
        const inAddress = {
          operationName: 'Genres',
          variables: '{}',
          extensions: JSON.stringify(probe.extensions),
        };
        for (const response of [
          await api.post(JSON.stringify(probe), { Accept: accept }),
          await get(inAddress, { Accept: accept, 'Content-Type': 'application/json' }),
        ]) {
          expect(await response.json()).to.deep.equal(NOT_SUPPORTED);
          expect(response.status).to.equal(status);
        }
      });
    }

    it('are answered where the query is sent with its hash', async () => {
      const body = { ...probe, query: 'query Genres { genres }' };
      const response = await api.post(JSON.stringify(body));
      expect(await response.json()).to.deep.equal(ANSWER);
    });
  });
});
