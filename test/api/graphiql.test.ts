import { expect } from 'chai';
import { serveQueryApi, storeThatAnswers } from '../support/query-api.js';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

describe('GraphiQL', function () {
  this.timeout(60_000);

  const readStore = storeThatAnswers({ genres: () => Promise.resolve(['Action']) });
  let api: Awaited<ReturnType<typeof serveQueryApi>>;

  before(async () => (api = await serveQueryApi({ readStore, production: false })));
  after(() => api.stop());

  const visit = (headers: Record<string, string> = {}) =>
    fetch(api.url, {
      headers: { Accept: BROWSER, 'Accept-Encoding': 'gzip, deflate, br, zstd', ...headers },
    });

  it('is served to a browser at /graphql', async () => {
    const response = await visit();
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    expect(response.headers.get('content-encoding')).to.equal('br');
    expect(response.headers.get('vary')).to.equal('Origin, Accept, Accept-Encoding');
    expect(response.headers.get('cache-control')).to.equal('no-cache');
    const page = await response.text();
    expect(page.slice(0, 15)).to.equal('<!doctype html>');
    expect(page).to.include('<title>Anime Analytics</title>').and.include('<html lang="en">');
    expect(page).to.include('<meta name="viewport"');
  });

  it('loads nothing from another host, and its policy forbids it', async () => {
    const response = await visit();
    const page = await response.text();
    const head = page.slice(0, page.indexOf('<style>'));
    const loaded = [...head.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, url]) => url);
    expect(loaded).to.have.length(1);
    expect(loaded[0]).to.match(/^data:image\/svg\+xml,/);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).to.match(/^default-src 'none';script-src 'self'( 'sha256-[^']+'){2};/);
    expect(policy).to.not.match(/\*|https?:|[a-z]\.[a-z]|unsafe-eval/);
  });

  it('is not sent again to a browser that has it', async () => {
    const etag = (await visit()).headers.get('etag') ?? '';
    expect((await visit({ 'If-None-Match': etag })).status).to.equal(304);
  });

  it('is sent uncompressed on request', async () => {
    const response = await visit({ 'Accept-Encoding': 'identity' });
    expect(response.headers.get('content-encoding')).to.equal(null);
    expect((await response.text()).slice(0, 15)).to.equal('<!doctype html>');
  });

  it('is not served to clients that ask for GraphQL', async () => {
    const address = `${api.url}?query=${encodeURIComponent('{ genres }')}`;
    for (const accept of ['*/*', 'application/json', 'application/graphql-response+json']) {
      const response = await fetch(address, { headers: { Accept: accept } });
      expect(await response.json()).to.deep.equal({ data: { genres: ['Action'] } });
    }
  });

  it('does not exist in production', async () => {
    const production = await serveQueryApi({ readStore, production: true });
    try {
      const response = await fetch(production.url, { headers: { Accept: 'text/html' } });
      expect(response.status).to.equal(406);
      expect(response.headers.get('content-type')).to.equal('application/problem+json');
    } finally {
      await production.stop();
    }
  });
});
