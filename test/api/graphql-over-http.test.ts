import { expect } from 'chai';
import { serverAudits } from 'graphql-http';
import {
  codesOf,
  expectProblem,
  serveQueryApi,
  storeThatAnswers,
  type Answer,
} from '../support/query-api.js';

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

  describe('the response', () => {
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
      it(`to Accept ${accept} is ${type}`, async () => {
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
      it(`to Accept ${accept} alone is 406`, async () => {
        const sentence = /application\/json.*subscriptions/;
        await expectProblem(await api.post(GENRES, { Accept: accept }), 406, sentence);
        await expectProblem(await get({ query: '{genres}' }, { Accept: accept }), 406, sentence);
      });
    }

    it('to HEAD is that of GET without the body', async () => {
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

    it('to another method is 405 with Allow', async () => {
      const response = await fetch(api.url, { method: 'PUT' });
      expect(response.headers.get('allow')).to.equal('GET, HEAD, OPTIONS, POST');
      await expectProblem(response, 405, /supports only GET, HEAD/);
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

    it('that is a subscription is refused, and told where to go', async () => {
      const answer = await api.ask('subscription { animeStats(animeId: 1) { animeId } }');
      expect(codesOf(answer)).to.deep.equal(['BAD_REQUEST']);
      expect(answer.errors?.[0]?.message).to.include('/graphql/stream');
    });

    it('is counted by name and outcome, also when refused', async () => {
      await api.ask('query Counted { genres }');
      await api.ask('query Counted { genres }');
      const body = JSON.stringify({ query: 'query Wrong { wrong }', operationName: 'Wrong' });
      await api.post(body);
      const text = await api.metrics.port(['query-api']).text();
      const series = 'anime_analytics_graphql_operation_duration_seconds_count';
      expect(text).to.include(`${series}{operation="Counted",outcome="ok"} 2\n`);
      expect(text).to.include(`${series}{operation="Wrong",outcome="error"} 1\n`);
    });

    it('is selected by its name among several', async () => {
      const query = 'query A { genres } query B { __typename }';
      const named = await api.post(JSON.stringify({ query, operationName: 'A' }));
      expect(await named.json()).to.deep.equal(ANSWER);
      const unnamed = await api.post(JSON.stringify({ query, operationName: 'C' }));
      expect(codesOf((await unnamed.json()) as Answer)).to.deep.equal(['BAD_REQUEST']);
    });
  });

  it('answers both media types with the same result', async () => {
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

  it('reports a syntax error and an unknown field by code', async () => {
    expect(await api.ask('{ genres')).to.have.nested.property(
      'errors[0].extensions.code',
      'GRAPHQL_PARSE_FAILED',
    );
    expect(await api.ask('{ nothing }')).to.have.nested.property(
      'errors[0].extensions.code',
      'GRAPHQL_VALIDATION_FAILED',
    );
  });

  it('serves health on the same port', async () => {
    const response = await fetch(new URL('/live', api.url));
    expect(response.status).to.equal(200);
  });
});
