import { expect } from 'chai';
import { createHealth } from '../../src/platform/observability/health.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { serveCommandApi } from '../support/command-api.js';
import { serveRouters } from '../support/http.js';
import { serveQueryApi, storeThatAnswers } from '../support/query-api.js';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

const healthWith = (checks: Record<string, () => Promise<void>>) => {
  const logger = silentLogger();
  const health = createHealth({
    service: 'anime-analytics all',
    version: '1.2.3',
    logger,
    cacheMs: 0,
  });
  for (const [name, check] of Object.entries(checks)) health.register(name, check);
  return health;
};

const fine = () => Promise.resolve();
const failing = () => Promise.reject(new Error('connect to mongodb://user:secret@host failed'));

const hrefsOf = (page: string): string[] =>
  [...page.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => href);

describe('the front page', () => {
  let server: Awaited<ReturnType<typeof serveRouters>>;
  const health = healthWith({ 'event-store': fine });

  before(async () => {
    server = await serveRouters([], {
      health,
      title: 'Command API',
      role: 'all',
      links: () => [{ name: 'Other', href: 'http://127.0.0.1:1/', about: '<b>not & markup</b>' }],
    });
  });
  after(() => server.stop());

  const get = (accept: string, init: RequestInit = {}) =>
    fetch(`${server.url}/`, { headers: { accept }, ...init });

  it('is HTML in a browser, with service, version, role and state', async () => {
    const response = await get(BROWSER);
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    const page = await response.text();
    expect(page).to.match(/^<!doctype html>\n<html lang="en">/);
    expect(page).to.include('<meta name="viewport" content="width=device-width, initial-scale=1">');
    for (const text of [
      'Command API',
      '1.2.3',
      '<strong>all</strong>',
      'Healthy: it serves requests.',
    ]) {
      expect(page).to.include(text);
    }
  });

  it('is JSON for other clients', async () => {
    for (const accept of ['*/*', 'application/json', 'application/json, text/html;q=0.5', 'a/b']) {
      const response = await get(accept);
      expect(response.headers.get('content-type'), accept).to.equal(
        'application/json; charset=utf-8',
      );
      expect(response.headers.get('vary')).to.equal('Origin, Accept');
      expect(await response.json()).to.deep.equal({
        title: 'Command API',
        service: 'anime-analytics all',
        version: '1.2.3',
        role: 'all',
        status: 'healthy',
        detail: 'Healthy: it serves requests.',
        dependencies: { 'event-store': 'healthy' },
        links: {
          other: 'http://127.0.0.1:1/',
          health: 'health',
          ready: 'ready',
          live: 'live',
          metrics: 'metrics',
        },
      });
    }
  });

  it('runs no script and loads nothing but its icon', async () => {
    const response = await get(BROWSER);
    expect(response.headers.get('content-security-policy')).to.match(
      /^default-src 'none';style-src 'sha256-[^']+';img-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'$/,
    );
    expect(response.headers.get('cache-control')).to.equal('no-store');
    const page = await response.text();
    expect(page).not.to.match(/<script|\son\w+=|style="/i);
    expect(page).to.include('&#60;b&#62;not &#38; markup&#60;/b&#62;');
  });

  it('has relative links to the existing routes', async () => {
    const hrefs = hrefsOf(await (await get(BROWSER)).text());
    expect(hrefs).to.include.members(['health', 'ready', 'live', 'metrics', 'favicon.ico']);
    for (const href of hrefs.filter((each) => !each.startsWith('http'))) {
      expect((await fetch(new URL(href, `${server.url}/`))).status, href).to.equal(200);
    }
  });

  it('answers HEAD, and 405 to other methods', async () => {
    const head = await get(BROWSER, { method: 'HEAD' });
    expect(head.status).to.equal(200);
    expect(await head.text()).to.equal('');
    const post = await get(BROWSER, { method: 'POST' });
    expect(post.status).to.equal(405);
    expect(post.headers.get('allow')).to.equal('GET, HEAD, OPTIONS');
  });

  it('has an icon that a browser need not ask for again', async () => {
    const icon = await fetch(`${server.url}/favicon.ico`);
    expect(icon.status).to.equal(200);
    expect(icon.headers.get('content-type')).to.equal('image/svg+xml');
    expect(icon.headers.get('cache-control')).to.equal('public, max-age=86400');
    expect(await icon.text()).to.match(/^<svg .*<title>Anime Analytics<\/title>/);
  });

  it('shows what needs an operator while the service is degraded', async () => {
    const degraded = healthWith({ 'event-store': fine });
    const trouble = { stream: 'anime-7', detail: 'It has a <gap>.', remedy: 'Run the replay.' };
    degraded.watch('refused-streams', () => [trouble]);
    const another = await serveRouters([], { health: degraded });
    try {
      const page = await (await fetch(another.url, { headers: { accept: BROWSER } })).text();
      expect(page).to.include('class="bad"').and.include('Degraded: it serves');
      expect(page).to.include('anime-7: It has a &#60;gap&#62;. Run the replay.');
      const data = (await (await fetch(another.url)).json()) as Record<string, unknown>;
      expect(data).to.have.nested.property('problems.refused-streams.count', 1);
    } finally {
      await another.stop();
    }
  });

  it('shows that it is starting and which dependencies are unhealthy, without details', async () => {
    const sick = healthWith({ 'read-models': failing, 'event-store': fine, kafka: failing });
    const another = await serveRouters([], { health: sick });
    const see = async () => (await fetch(another.url, { headers: { accept: BROWSER } })).text();
    try {
      const page = await see();
      expect(page).to.include('Unhealthy: read-models, kafka. The log says why.');
      expect(page).to.include('class="bad"').and.not.include('secret');
    } finally {
      await another.stop();
    }
    health.starting();
    expect(await (await get(BROWSER)).text()).to.include('Healthy, but starting or stopping.');
    health.started();
  });
});

describe('the front page of an API', () => {
  const linksAt = async (url: string): Promise<string[]> => {
    const { links } = (await (await fetch(url)).json()) as { links: Record<string, string> };
    return Object.values(links);
  };

  for (const production of [false, true]) {
    const where = production ? 'in production' : 'in development';

    it(`links the command API's document, and its rendering where it exists, ${where}`, async () => {
      const api = await serveCommandApi({ production });
      try {
        const links = await linksAt(api.url);
        expect(links).to.include('openapi.json');
        expect(links.includes('docs/')).to.equal(!production);
        for (const link of links) {
          expect((await fetch(new URL(link, `${api.url}/`))).status, link).to.equal(200);
        }
      } finally {
        await api.stop();
      }
    });

    it(`links GraphQL and the probes of the query API ${where}`, async () => {
      const api = await serveQueryApi({ readStore: storeThatAnswers(), production });
      try {
        expect(await linksAt(new URL('/', api.url).href)).to.deep.equal([
          'graphql',
          'health',
          'ready',
          'live',
          'metrics',
        ]);
      } finally {
        await api.stop();
      }
    });
  }
});
