import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import type { Express } from 'express';
import { commandRoutes } from '../../../src/command-side/http/routes.js';
import { docsRoutes } from '../../../src/command-side/http/command-api.js';
import { streamRoutes } from '../../../src/command-side/http/stream-routes.js';
import { userRoutes } from '../../../src/command-side/http/user-routes.js';
import { healthRoutes } from '../../../src/platform/http/http-app.js';
import { createHealth } from '../../../src/platform/observability/health.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { createMetrics } from '../../../src/platform/observability/metrics.js';
import { handlerOver, openStore } from '../../support/command-handler.js';
import { serveCommandApi, type CommandApi } from '../../support/command-api.js';
import { differences, document, operations, type Schema } from '../../support/openapi.js';

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

/** A schema and all that it is made of, by where they are. */
const partsOf = (schema: Schema, at: string): readonly (readonly [string, Schema])[] => [
  [at, schema],
  ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) =>
    partsOf(part, `${at}/${name}`),
  ),
  ...(schema.items === undefined ? [] : partsOf(schema.items, `${at}/items`)),
];

const schemaParts = Object.entries(document.components.schemas).flatMap(([name, schema]) =>
  partsOf(schema, name),
);

const bodies = operations.flatMap(({ operationId, requestBody, responses }) =>
  [['request', requestBody] as const, ...Object.entries(responses)].flatMap(([what, body]) =>
    Object.entries(body?.content ?? {}).map(([mediaType, media]) => ({
      at: `${operationId} ${what} ${mediaType}`,
      mediaType,
      ...media,
    })),
  ),
);

describe('the OpenAPI document', () => {
  let api: CommandApi;
  before(async () => (api = await serveCommandApi()));
  after(() => api.stop());

  it('is valid OpenAPI 3.1', async () => {
    const plain = JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
    const { valid, errors } = await new Validator().validate(plain);
    expect(valid, JSON.stringify(errors)).to.equal(true);
  });

  it('has exactly the routes that exist', async () => {
    const { store, close } = await openStore();
    try {
      const logger = silentLogger();
      const metrics = createMetrics({ processMetrics: false });
      const { send, drain } = handlerOver(store);
      const handler = { handle: send, drain };
      const routers = [
        commandRoutes({ handler, apiKeys: [], now: () => new Date(0), logger }),
        streamRoutes({ store, apiKeys: [] }),
        userRoutes({ eraseUser: null, apiKeys: [] }),
        docsRoutes({ version: '1', production: false }),
        healthRoutes({
          health: createHealth({ service: 's', version: '1', logger }),
          metrics: metrics.port([]),
        }),
      ];
      const documented = operations.map(({ method, path }) => `${method} ${path}`);
      expect(documented.sort()).to.deep.equal(routesOf(routers));
    } finally {
      await close();
    }
  });

  it('gives every operation a unique id, a described tag, and a summary', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).to.equal(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { operationId, tags: used, summary, description } of operations) {
      expect(operationId).to.match(/^[a-z][A-Za-z]+$/);
      expect(tags).to.include.members([...used]);
      expect(summary.length * description.length, operationId).to.be.greaterThan(0);
    }
    for (const { description } of document.tags) expect(description).to.match(/\.$/);
  });

  it('describes every parameter, with an example that its schema takes', () => {
    for (const { parameters, operationId } of operations) {
      for (const { name, description, schema } of parameters) {
        expect(description, `${operationId} ${name}`).to.match(/\.$/);
        const [example] = schema.examples ?? [];
        expect(example, `${operationId} ${name}`).not.to.equal(undefined);
        expect(differences(schema, example), `${operationId} ${name}`).to.deep.equal([]);
      }
    }
  });

  it('prefills only required parameters, so that a command can be sent unchanged', () => {
    for (const { parameters, operationId } of operations) {
      for (const { name, required = false, example } of parameters) {
        expect(example !== undefined, `${operationId} ${name}`).to.equal(required);
      }
    }
  });

  it('describes every part of every body, with examples that its schema takes', () => {
    for (const [at, schema] of schemaParts) {
      expect(schema.description, at).to.match(/\.$/);
      for (const example of schema.examples ?? []) {
        expect(differences(schema, example), at).to.deep.equal([]);
      }
    }
  });

  it('has an example of every JSON body, which its schema takes', () => {
    for (const { at, mediaType, schema, examples = {} } of bodies) {
      if (!mediaType.includes('json') || at.startsWith('getOpenApi')) continue;
      expect(Object.keys(examples), at).not.to.deep.equal([]);
      for (const [name, { value }] of Object.entries(examples)) {
        expect(differences(schema, value), `${at} ${name}`).to.deep.equal([]);
      }
    }
  });

  it('has no example at the limit of its schema', () => {
    for (const [at, { examples = [], maximum, maxLength = Infinity }] of schemaParts) {
      for (const example of examples) {
        expect(example, at).not.to.equal(maximum);
        expect(String(example).length, at).to.be.lessThan(maxLength);
      }
    }
  });

  it('describes every response and header, with examples that their schemas take', () => {
    for (const { operationId, responses } of operations) {
      for (const [status, { description, headers = {} }] of Object.entries(responses)) {
        const at = `${operationId} ${status}`;
        expect(description, at).to.match(/\.$/);
        for (const [name, { schema, example }] of Object.entries(headers)) {
          const value = schema.type === 'integer' ? Number(example) : example;
          expect(differences(schema, value), `${at} ${name}`).to.deep.equal([]);
        }
      }
    }
  });

  it('names a server URL that is valid behind any prefix', () => {
    for (const prefix of ['', '/commands', '/a/b']) {
      const served = new URL(`https://example.org${prefix}/openapi.json`);
      // As clients do: the server relative to the document, then the path appended.
      const server = new URL(document.servers[0]?.url ?? '', served).href.replace(/\/$/, '');
      expect(`${server}/click`).to.equal(`https://example.org${prefix}/click`);
    }
  });

  it('is served unchanged at /openapi.json', async () => {
    const { body } = await api.send('GET', '/openapi.json');
    expect(body).to.deep.equal(JSON.parse(JSON.stringify(document)));
  });

  it('names exactly the content types that the routes accept', async () => {
    const command = { anime_id: 1, user_id: 'a', duration_seconds: 1, rating: 5, title: 'A' };
    await api.list(1);
    const named: Record<string, string[]> = {};
    for (const { operationId, method, path, requestBody } of operations) {
      if (requestBody === undefined) continue;
      named[operationId] = Object.keys(requestBody.content);
      for (const type of named[operationId]) {
        const headers = { 'content-type': type };
        const url = path.replace('{id}', '1');
        const body = operationId === 'recordBatch' ? [] : command;
        const { status } = await api.send(method.toUpperCase(), url, body, headers);
        expect(status, `${operationId} as ${type}`).to.be.lessThan(300);
      }
    }
    const interaction = ['application/json', 'text/plain'];
    expect(named).to.deep.equal({
      recordClick: interaction,
      recordView: interaction,
      recordRating: interaction,
      recordBatch: [...interaction, 'application/x-ndjson'],
      putAnime: ['application/json'],
    });
  });

  it('is rendered at /docs/ without loading from other hosts', async () => {
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

  it('is reached from /docs by a redirect that is valid behind a prefix', async () => {
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
