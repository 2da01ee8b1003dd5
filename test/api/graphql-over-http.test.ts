import { expect } from 'chai';
import { serverAudits } from 'graphql-http';
import { serveQueryApi, storeThatAnswers } from '../support/query-api.js';

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

  it('refuses a batch of operations', async () => {
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

  it('answers a request without a body with 400', async () => {
    const response = await api.post('');
    expect(response.status).to.equal(400);
    expect(await response.json()).to.deep.equal({
      errors: [{ message: 'Missing body', extensions: { code: 'BAD_REQUEST' } }],
    });
  });

  it('refuses a body that is not UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from('{"query":"{genres}","x":"'),
      Buffer.of(0xff, 0x22, 0x7d),
    ]);
    const response = await api.post(new Uint8Array(body));
    expect(response.status).to.equal(400);
    expect(await response.json()).to.have.nested.property(
      'errors[0].message',
      'Unparsable JSON body',
    );
  });

  it('refuses a body beyond its limit with 413', async () => {
    const response = await api.post(JSON.stringify({ query: `{genres}${' '.repeat(40_000)}` }));
    expect(response.status).to.equal(413);
  });

  it('answers another method with 405 and what is allowed', async () => {
    const response = await fetch(api.url, { method: 'PUT' });
    expect(response.status).to.equal(405);
    expect(response.headers.get('allow')).to.equal('GET, HEAD, OPTIONS, POST');
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
