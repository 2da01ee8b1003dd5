import { request } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { PACKAGE_ROOT } from '../../src/platform/package.js';
import {
  createDashboard,
  type DashboardSettings,
} from '../../src/query-side/dashboard/dashboard.js';
import { serveQueryApi, storeThatAnswers } from '../support/query-api.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';
const BUILT = join(PACKAGE_ROOT, 'dist/dashboard');
const LIMIT_BYTES = 250_000;

const SETTINGS: DashboardSettings = {
  version: '1.2.3',
  role: 'all',
  commands: 'http://127.0.0.1:8000',
  demo: true,
  eventStoreUi: null,
  keys: false,
  graphiql: true,
};

/** What a server sends, as it is on the wire. */
const bytesOf = (url: string, encoding: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { headers: { accept: BROWSER, 'accept-encoding': encoding } });
    asked.on('error', reject);
    asked.on('response', (response) => {
      let bytes = 0;
      response.on('data', (piece: Buffer) => (bytes += piece.length));
      response.on('end', () => resolve(bytes));
    });
    asked.end();
  });

const filesIn = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path = '']) => path);

describe('the dashboard', () => {
  let api: Awaited<ReturnType<typeof serveQueryApi>>;
  let settings = SETTINGS;

  before(async () => {
    const dashboard = createDashboard(BUILT, () => settings);
    expect(dashboard, 'run npm run build').not.to.equal(null);
    api = await serveQueryApi({ readStore: storeThatAnswers(), dashboard });
  });
  after(() => api.stop());
  beforeEach(() => (settings = SETTINGS));

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, api.url), { headers: { accept: BROWSER, ...headers } });

  it('is at / for browsers, and JSON for other clients', async () => {
    const page = await get('/');
    expect(page.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    expect(await page.text()).to.include('<div id="dashboard"></div>');
    const data = await get('/', { accept: '*/*' });
    expect(data.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    expect(data.headers.get('vary')).to.include('Accept');
    expect(await data.json()).to.include({ title: 'Query API' });
  });

  for (const [path, base] of [
    ['/catalogue', './'],
    ['/streams', './'],
    ['/pipeline', './'],
    ['/projections', './'],
    ['/api', './'],
    ['/anime/1', '../'],
    ['/streams/anime-1', '../'],
    ['/streams/%24ce-anime', '../'],
  ] as const) {
    it(`is at ${path}, with addresses that lead back to the root`, async () => {
      const response = await get(path);
      expect(response.status).to.equal(200);
      expect(await response.text()).to.include(`<base href="${base}" />`);
    });
  }

  it('is asked for again each time, and sent only when it changed', async () => {
    const first = await get('/');
    expect(first.headers.get('cache-control')).to.equal('no-cache');
    const etag = first.headers.get('etag') ?? '';
    expect((await get('/', { 'if-none-match': etag })).status).to.equal(304);
  });

  it('has files that a browser keeps for ever, each of which exists', async () => {
    const files = filesIn(await (await get('/')).text());
    expect(files).to.have.length(2);
    for (const path of files) {
      const response = await get(`/${path}`);
      expect(response.status, path).to.equal(200);
      expect(response.headers.get('cache-control')).to.equal('public, max-age=31536000, immutable');
      expect(response.headers.get('content-type')).to.match(
        /^text\/(javascript|css); charset=utf-8$/,
      );
    }
    expect((await get('/assets/other.js')).status).to.equal(404);
  });

  for (const encoding of ['br', 'gzip']) {
    it(`is smaller than 250 kB in all, compressed with ${encoding}`, async () => {
      const paths = ['/', ...filesIn(await (await get('/')).text())];
      const sizes = await Promise.all(
        paths.map((path) => bytesOf(new URL(path, api.url).href, encoding)),
      );
      const total = sizes.reduce((sum, each) => sum + each);
      expect(total).to.be.within(10_000, LIMIT_BYTES);
    });
  }

  it('may load from its own origin only, and send commands to the command API alone', async () => {
    const policy = (await get('/')).headers.get('content-security-policy') ?? '';
    expect(policy.split(';')).to.have.members([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "connect-src 'self' http://127.0.0.1:8000",
      "base-uri 'self'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    const html = await (await get('/')).text();
    expect(html).not.to.match(
      /<script(?! type="module" crossorigin src=)|<style|\son\w+=|style="/i,
    );
  });

  it('may send nothing elsewhere where it offers no commands', async () => {
    settings = { ...SETTINGS, demo: false };
    const policy = (await get('/')).headers.get('content-security-policy');
    expect(policy).to.include("connect-src 'self';");
  });

  it('tells the page where the other parts are', async () => {
    const response = await get('/dashboard.json');
    expect(response.headers.get('cache-control')).to.equal('no-store');
    expect(await response.json()).to.deep.equal(SETTINGS);
  });

  it('is the plain page where it was not built', async () => {
    const directory = await temporaryDirectory();
    expect(createDashboard(directory.path, () => SETTINGS)).to.equal(null);
    await directory.remove();
    const plain = await serveQueryApi({ readStore: storeThatAnswers(), dashboard: null });
    try {
      const page = await fetch(new URL('/', plain.url), { headers: { accept: BROWSER } });
      expect(await page.text()).to.include('<h1>Query API</h1>');
    } finally {
      await plain.stop();
    }
  });
});
