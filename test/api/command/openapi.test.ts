import { expect } from 'chai';
import type { Express } from 'express';
import { openApi } from '../../../src/command-side/openapi.js';
import { commandRoutes } from '../../../src/command-side/routes.js';
import { docsRoutes } from '../../../src/command-side/docs-routes.js';
import { streamRoutes } from '../../../src/command-side/stream-routes.js';
import { healthRoutes } from '../../../src/platform/health-routes.js';
import { createHealth } from '../../../src/platform/health.js';
import { silentLogger } from '../../../src/platform/logger.js';
import { createMetrics } from '../../../src/platform/metrics.js';
import { openStore } from '../../support/command-handler.js';
import { handlerOver } from '../../support/command-handler.js';
import { problemsOf, type Schema } from '../../support/json-schema.js';
import { serveCommandApi, type Answer, type CommandApi } from '../../support/command-api.js';

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

/** "put /animes/{id}" for every route of the routers. */
const routesOf = (routers: readonly Express['router'][]): string[] =>
  routers
    .flatMap(({ stack }) => stack)
    .flatMap(({ route }) => {
      const { path = '', methods = {} } = (route ?? {}) as {
        path?: string;
        methods?: Record<string, boolean>;
      };
      return Object.keys(methods).map((method) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    })
    .filter((route) => !/ \/docs\b/.test(route))
    .sort();

const document = openApi('1.2.3');

interface Operation {
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}
type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => METHODS.includes(method))
    .map(([method, operation]) => ({ route: `${method} ${path}`, ...(operation as Operation) })),
);

describe('the OpenAPI document', () => {
  let api: CommandApi;
  before(async () => (api = await serveCommandApi()));
  after(() => api.stop());

  it('has exactly the routes that exist', async () => {
    const { store, close } = await openStore();
    try {
      const logger = silentLogger();
      const metrics = createMetrics({ processMetrics: false });
      const { send, drain } = handlerOver(store);
      const handler = { handle: send, drain };
      const routers = [
        commandRoutes({ handler, apiKeys: [], now: () => new Date(0) }),
        streamRoutes({ store, apiKeys: [] }),
        docsRoutes({ version: '1', production: false }),
        healthRoutes({
          health: createHealth({ service: 's', version: '1', logger }),
          metrics: metrics.port([]),
        }),
      ];
      expect(operations.map(({ route }) => route).sort()).to.deep.equal(routesOf(routers));
    } finally {
      await close();
    }
  });

  it('refers to nothing that is not there', () => {
    const text = JSON.stringify(document);
    const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(names).to.have.length.above(20);
    for (const name of names) expect(document.components.schemas).to.have.property(name ?? '');
  });

  it('is served as it is', async () => {
    const { body } = await api.send('GET', '/openapi.json');
    expect(body).to.deep.equal(JSON.parse(JSON.stringify(document)));
  });

  it('describes what is really answered', async () => {
    const click = { anime_id: 1, user_id: 'a' };
    const expectDescribed = (route: string, answer: Answer): void => {
      const operation = operations.find((each) => each.route === route);
      const response = operation?.responses[String(answer.status)];
      const mediaType = answer.headers.get('content-type')?.split(';', 1)[0] ?? '';
      const schema = response?.content?.[mediaType]?.schema;
      expect(schema, `${route} ${answer.status} ${mediaType}`).not.to.equal(undefined);
      expect(problemsOf(schema ?? {}, answer.body, document.components.schemas)).to.deep.equal([]);
    };
    expectDescribed('post /click', await api.post('/click', click));
    expectDescribed('put /animes/{id}', await api.list(1));
    expectDescribed('put /animes/{id}', await api.list(1));
    expectDescribed('post /click', await api.post('/click', click));
    expectDescribed('post /view', await api.post('/view', { ...click, duration_seconds: 5 }));
    expectDescribed('post /rating', await api.post('/rating', { ...click, rating: 5 }));
    expectDescribed('post /rating', await api.post('/rating', { rating: 'x' }));
    expectDescribed('post /rating', await api.post('/rating', click, { 'content-type': 'a/b' }));
    expectDescribed('get /animes/{id}/events', await api.send('GET', '/animes/1/events'));
    expectDescribed('get /animes/{id}/events', await api.send('GET', '/animes/7/events'));
    expectDescribed('delete /animes/{id}', await api.send('DELETE', '/animes/1'));
    expectDescribed('post /click', await api.post('/click', click));
    for (const path of ['/health', '/ready', '/live']) {
      expectDescribed(`get ${path}`, await api.send('GET', path));
    }
  });

  it('names content types that the routes take, all of them for interactions', async () => {
    const body = { anime_id: 1, user_id: 'a', duration_seconds: 1, rating: 5, title: 'A' };
    await api.list(1);
    const named: Record<string, string[]> = {};
    for (const { route, requestBody } of operations) {
      if (requestBody === undefined) continue;
      const [method = '', path = ''] = route.replace('{id}', '1').split(' ');
      named[route] = Object.keys(requestBody.content);
      for (const type of named[route]) {
        const headers = { 'content-type': type };
        const { status } = await api.send(method.toUpperCase(), path, body, headers);
        expect(status, `${route} as ${type}`).to.be.lessThan(300);
      }
    }
    const interaction = ['application/json', 'text/plain'];
    expect(named).to.deep.equal({
      'post /click': interaction,
      'post /view': interaction,
      'post /rating': interaction,
      'put /animes/{id}': ['application/json'],
    });
  });

  it('is rendered at /docs/ from this host alone', async () => {
    const page = await fetch(`${api.url}/docs/`);
    expect(page.status).to.equal(200);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).to.match(/^default-src 'none';script-src 'self';/);
    const text = await page.text();
    expect(text).to.include('<html lang="en">').and.include('name="viewport"');
    const sources = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
    expect(sources).to.include('swagger-ui-bundle.js').and.include('../openapi.json');
    for (const url of sources) {
      expect(url, 'a relative address').to.match(/^(\.\.\/)?[\w.-]+$/);
      expect((await fetch(new URL(url, `${api.url}/docs/`))).status, url).to.equal(200);
    }
  });

  it('is rendered at /docs too, by a redirect that holds behind a prefix', async () => {
    const redirect = await fetch(`${api.url}/docs`, { redirect: 'manual' });
    expect(redirect.status).to.equal(308);
    expect(redirect.headers.get('location')).to.equal('docs/');
    expect((await fetch(`${api.url}/docs`)).url).to.equal(`${api.url}/docs/`);
  });

  it('is not rendered in production', async () => {
    const production = await serveCommandApi({ production: true });
    try {
      expect((await production.send('GET', '/docs/')).status).to.equal(404);
      expect((await production.send('GET', '/openapi.json')).status).to.equal(200);
    } finally {
      await production.stop();
    }
  });
});
