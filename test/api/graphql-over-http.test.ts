import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { serverAudits } from 'graphql-http';
import { codesOf, serveQueryApi, storeThatAnswers, type Answer } from '../support/query-api.js';

describe('GraphQL over HTTP', () => {
  let api: Awaited<ReturnType<typeof serveQueryApi>>;

  before(async () => {
    const readStore = storeThatAnswers({ genres: () => Promise.resolve(['Action']) });
    api = await serveQueryApi({ readStore });
  });

  after(() => api.stop());

  describe("graphql-http's audit", () => {
    const audits = serverAudits({ url: () => api.url, fetchFn: fetch });

    it('has 61 parts', () => {
      expect(audits).to.have.length(61);
    });

    for (const audit of audits) {
      it(`${audit.id}: ${audit.name}`, async () => {
        const result = await audit.fn();
        if (result.status !== 'ok') expect.fail(result.reason);
      });
    }
  });

  const GENRES = JSON.stringify({ query: '{ genres }' });
  const ANSWER = { data: { genres: ['Action'] } };
  const GRAPHQL = 'application/graphql-response+json';

  const get = (parameters: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${api.url}?${new URLSearchParams(parameters).toString()}`, { headers });

  /** What HTTP refuses is a problem document, with a sentence for a person. */
  const expectProblem = async (response: Response, status: number, sentence: RegExp) => {
    expect(response.headers.get('content-type')).to.equal('application/problem+json');
    const problem = (await response.json()) as { detail: string };
    expect(problem).to.include({ status });
    expect(problem.detail).to.match(sentence);
    expect(response.status).to.equal(status);
  };

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
      it(`is taken as ${contentType}`, async () => {
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

    it('of null, and an empty operation name, count as not given', async () => {
      const none = { operationName: '', variables: null, extensions: null };
      const response = await api.post(JSON.stringify({ query: '{ genres }', ...none }));
      expect(await response.json()).to.deep.equal(ANSWER);
    });

    it('come in the address of a GET, a question mark within them included', async () => {
      const query = 'query Q { genres } # what?';
      const more = { operationName: '', variables: '', extensions: '{}' };
      expect(await (await get({ query, ...more })).json()).to.deep.equal(ANSWER);
      const raw = await fetch(`${api.url}?query={genres}%20%23?`);
      expect(await raw.json()).to.deep.equal(ANSWER);
    });

    it('of a GET that cannot be read are refused with 400', async () => {
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
      it(`are told to send the query itself, to who accepts ${accept} with ${status}`, async () => {
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

    it('are answered where the query comes with its hash', async () => {
      const body = { ...probe, query: 'query Genres { genres }' };
      const response = await api.post(JSON.stringify(body));
      expect(await response.json()).to.deep.equal(ANSWER);
    });
  });

  describe('the answer', () => {
    for (const [accept, type] of [
      ['application/graphql-response+json,application/json;q=0.9', GRAPHQL],
      ['application/json;q=0.9, application/graphql-response+json', GRAPHQL],
      ['application/graphql-response+json; charset=utf-8, application/json', GRAPHQL],
      ['application/json, application/graphql-response+json', 'application/json'],
      ['application/graphql-response+json;q=0, */*', 'application/json'],
      ['application/json; charset=UTF-8', 'application/json'],
      ['text/event-stream, application/*;q=0.5', 'application/json'],
      ['multipart/mixed;deferSpec=20220824,application/json', 'application/json'],
      ['application/json, text/plain, */*', 'application/json'],
    ] as const) {
      it(`to who accepts ${accept} is ${type}`, async () => {
        const response = await api.post(GENRES, { Accept: accept });
        expect(response.headers.get('content-type')).to.equal(`${type}; charset=utf-8`);
        expect(await response.json()).to.deep.equal(ANSWER);
      });
    }

    for (const accept of [
      'text/event-stream',
      'multipart/mixed',
      'application/json;q=0',
      'application/json; charset=latin1',
      'application/graphql+json',
    ]) {
      it(`to who accepts nothing but ${accept} is 406`, async () => {
        const sentence = /application\/json.*no subscriptions/;
        await expectProblem(await api.post(GENRES, { Accept: accept }), 406, sentence);
        await expectProblem(await get({ query: '{genres}' }, { Accept: accept }), 406, sentence);
      });
    }

    it('to HEAD is that to GET without its body', async () => {
      for (const [parameters, status] of [
        ['?query={genres}', 200],
        ['', 400],
      ] as const) {
        const response = await fetch(api.url + parameters, { method: 'HEAD' });
        expect(response.status).to.equal(status);
        expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
        expect(await response.text()).to.equal('');
        const full = await fetch(api.url + parameters);
        expect(full.status).to.equal(status);
        expect(response.headers.get('content-length')).to.equal(full.headers.get('content-length'));
      }
    });

    it('to another method is 405 with what is allowed', async () => {
      const response = await fetch(api.url, { method: 'PUT' });
      expect(response.headers.get('allow')).to.equal('GET, HEAD, OPTIONS, POST');
      await expectProblem(response, 405, /takes GET, HEAD/);
    });
  });

  describe('an operation', () => {
    it('that is a mutation is refused, by GET with 405', async () => {
      const response = await get({ query: 'mutation { __typename }' });
      expect(response.headers.get('allow')).to.equal('POST');
      await expectProblem(response, 405, /mutation/);
      const posted = await api.ask('mutation { __typename }');
      expect(posted.errors?.[0]?.message).to.match(/not configured to execute mutation/);
    });

    it('that is a subscription is refused', async () => {
      const answer = await api.ask('subscription { genres }');
      expect(codesOf(answer)).to.deep.equal(['BAD_REQUEST']);
      expect(answer.errors?.[0]?.message).to.equal('Subscriptions are not supported');
    });

    it('is counted by its name and outcome, one that is refused included', async () => {
      await api.ask('query Counted { genres }');
      await api.ask('query Counted { genres }');
      const body = JSON.stringify({ query: 'query Wrong { wrong }', operationName: 'Wrong' });
      await api.post(body);
      const text = await api.metrics.port(['query-api']).text();
      const series = 'anime_analytics_graphql_operation_duration_seconds_count';
      expect(text).to.include(`${series}{operation="Counted",outcome="ok"} 2\n`);
      expect(text).to.include(`${series}{operation="Wrong",outcome="error"} 1\n`);
    });

    it('is found by its name among others', async () => {
      const query = 'query A { genres } query B { __typename }';
      const named = await api.post(JSON.stringify({ query, operationName: 'A' }));
      expect(await named.json()).to.deep.equal(ANSWER);
      const unnamed = await api.post(JSON.stringify({ query, operationName: 'C' }));
      expect(codesOf((await unnamed.json()) as Answer)).to.deep.equal(['BAD_REQUEST']);
    });
  });

  it('answers both media types alike', async () => {
    const body = JSON.stringify({ query: '{ genres }' });
    for (const accept of ['*/*', 'application/json', 'application/graphql-response+json']) {
      const response = await api.post(body, { Accept: accept });
      expect(response.status).to.equal(200);
      expect(response.headers.get('content-type')).to.equal(
        `${accept === '*/*' ? 'application/json' : accept}; charset=utf-8`,
      );
      expect(await response.json()).to.deep.equal({ data: { genres: ['Action'] } });
    }
  });

  it('tells a syntax error and an unknown field by their codes', async () => {
    expect(await api.ask('{ genres')).to.have.nested.property(
      'errors[0].extensions.code',
      'GRAPHQL_PARSE_FAILED',
    );
    expect(await api.ask('{ nothing }')).to.have.nested.property(
      'errors[0].extensions.code',
      'GRAPHQL_VALIDATION_FAILED',
    );
  });

  it('serves health beside it', async () => {
    const response = await fetch(new URL('/live', api.url));
    expect(response.status).to.equal(200);
  });
});
