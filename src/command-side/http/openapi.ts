import { BATCH, USERS } from './openapi-batch.js';
import { RESPONSE_EXAMPLES, REQUEST_EXAMPLES } from './openapi-examples.js';
import * as parts from './openapi-responses.js';
import {
  content,
  EVERY_BODY,
  EVERY_COMMAND,
  EVERY_REQUEST,
  EVERY_ROUTE,
  IDS,
  notModified,
  probed,
  problems,
  refs,
  SECURITY,
  okResponse,
} from './openapi-responses.js';
import { schemas } from './openapi-schemas.js';

const COMMAND_HEADERS = refs('IdempotencyKey', 'IfMatch', 'IfNoneMatch', ...IDS, 'Traceparent');

const recorded = (description: string, values: Readonly<Record<string, unknown>>) =>
  okResponse(description, content('Recorded', values), 'ETag', 'Location', 'Idempotency-Replayed');

const interactionOperation = (
  operationId: string,
  body: 'Click' | 'View' | 'Rating',
  example: object,
  texts: { readonly summary: string; readonly description: string },
) => ({
  operationId,
  tags: ['Interactions'],
  ...texts,
  parameters: COMMAND_HEADERS,
  requestBody: {
    description: `${schemas[body].description} JSON; application/*+json and text/plain, which navigator.sendBeacon sends, are accepted too.`,
    required: true,
    content: {
      ...content(body, { [body.toLowerCase()]: REQUEST_EXAMPLES[body] }),
      ...content(body, { [body.toLowerCase()]: REQUEST_EXAMPLES[body] }, 'text/plain'),
    },
  },
  responses: {
    201: recorded('Recorded.', { recorded: example }),
    ...problems(
      ...EVERY_COMMAND,
      ...EVERY_BODY,
      'body-of-another-type',
      'anime-not-listed',
      'anime-delisted',
    ),
  },
  security: SECURITY,
});

const INTERACTIONS = {
  ...BATCH,
  '/click': {
    post: interactionOperation('recordClick', 'Click', RESPONSE_EXAMPLES.clicked, {
      summary: 'Record a click',
      description: 'Appends a ClickRegistered event to the stream of the anime.',
    }),
  },
  '/view': {
    post: interactionOperation('recordView', 'View', RESPONSE_EXAMPLES.viewed, {
      summary: 'Record a view',
      description: 'Appends a ViewRegistered event to the stream of the anime.',
    }),
  },
  '/rating': {
    post: interactionOperation('recordRating', 'Rating', RESPONSE_EXAMPLES.rated, {
      summary: "Record a user's rating",
      description: "Appends a RatingGiven event; only each user's latest rating counts.",
    }),
  },
};

const CATALOGUE = {
  '/animes/{id}': {
    parameters: refs('AnimeId'),
    put: {
      operationId: 'putAnime',
      tags: ['Catalogue'],
      summary: 'Add an anime to the catalogue, or replace its details',
      description: 'Lists the anime, relists a delisted one, or revises details that differ.',
      parameters: COMMAND_HEADERS,
      requestBody: {
        description: schemas.Details.description,
        required: true,
        content: content('Details', {
          'all-details': REQUEST_EXAMPLES.Details,
          title: { title: 'Akira' },
        }),
      },
      responses: {
        200: recorded('Revised, or unchanged.', {
          revised: RESPONSE_EXAMPLES.revised,
          unchanged: RESPONSE_EXAMPLES.unchanged,
        }),
        201: recorded('Listed.', { listed: RESPONSE_EXAMPLES.listed }),
        ...problems(
          ...EVERY_COMMAND,
          ...EVERY_BODY,
          'details-of-another-type',
          'id-not-readable',
          'already-listed',
        ),
      },
      security: SECURITY,
    },
    delete: {
      operationId: 'delistAnime',
      tags: ['Catalogue'],
      summary: 'Remove an anime from the catalogue',
      description: 'It rejects interactions until it is listed again. Its counters are kept.',
      parameters: COMMAND_HEADERS,
      responses: {
        200: recorded('Removed, or already removed.', {
          delisted: RESPONSE_EXAMPLES.delisted,
        }),
        ...problems(...EVERY_COMMAND, 'id-not-readable', 'anime-not-listed'),
      },
      security: SECURITY,
    },
  },
  '/animes/{id}/events': {
    parameters: refs('AnimeId'),
    get: {
      operationId: 'readAnimeEvents',
      tags: ['Catalogue'],
      summary: 'Read the history of an anime',
      description: 'Returns a page of its stream, oldest event first.',
      parameters: refs('From', 'Limit', ...IDS),
      responses: {
        200: okResponse(
          'A page of the history.',
          content('Events', { page: RESPONSE_EXAMPLES.events }),
        ),
        ...notModified,
        ...problems(
          ...EVERY_REQUEST,
          'events-id-not-readable',
          'query-not-readable',
          'no-history',
          'stream-deleted',
          'history-unavailable',
          'history-denied',
          'history-refused',
        ),
      },
      security: SECURITY,
    },
  },
};

const operation = (
  operationId: string,
  texts: { readonly summary: string; readonly description: string },
  responses: object,
  security: readonly object[] = [],
) => ({
  operationId,
  tags: ['Operations'],
  ...texts,
  parameters: refs('RequestId'),
  responses: { ...responses, ...problems(...EVERY_ROUTE) },
  security,
});

const OPERATIONS = {
  '/health': {
    get: operation(
      'getHealth',
      {
        summary: 'Health of the service',
        description: 'Checks each dependency; for people and dashboards.',
      },
      {
        200: probed(
          'All dependencies are healthy; an operator may have to look at some streams.',
          content('Health', {
            healthy: RESPONSE_EXAMPLES.healthy,
            degraded: RESPONSE_EXAMPLES.degraded,
          }),
        ),
        ...notModified,
        503: probed(
          'A dependency is unhealthy.',
          content('Health', { unhealthy: RESPONSE_EXAMPLES.unhealthy }),
        ),
      },
    ),
  },
  '/ready': {
    get: operation(
      'getReady',
      { summary: 'Readiness', description: 'Ready to serve requests; for load balancers.' },
      {
        200: probed('Ready.', content('Probe', { ready: RESPONSE_EXAMPLES.ready })),
        ...notModified,
        503: probed(
          'Not ready.',
          content('Probe', { 'not-ready': RESPONSE_EXAMPLES.notReady }),
          'Retry-After',
        ),
      },
    ),
  },
  '/live': {
    get: operation(
      'getLive',
      { summary: 'Liveness', description: 'The process is alive; for supervisors.' },
      {
        200: probed('Alive.', content('Probe', { alive: RESPONSE_EXAMPLES.alive })),
        ...notModified,
      },
    ),
  },
  '/metrics': {
    get: operation(
      'getMetrics',
      { summary: 'Metrics', description: 'In the text format of Prometheus.' },
      {
        200: probed('The metrics.', { 'text/plain': { schema: { type: 'string' } } }),
        ...problems('key-missing', 'key-unknown'),
      },
      SECURITY,
    ),
  },
  '/openapi.json': {
    get: operation(
      'getOpenApi',
      { summary: 'This document', description: 'This API in OpenAPI 3.1.' },
      {
        200: okResponse('The document.', {
          'application/json': { schema: { type: 'object' } },
        }),
        ...notModified,
        ...problems('too-many-requests'),
      },
    ),
  },
};

const DESCRIPTION = `Records clicks, views and ratings of anime, and maintains their catalogue.

Values are not coerced: \`"1"\` is not 1, and negative zero is not 0. Unknown fields are ignored. Bodies
are JSON in UTF-8 of at most 16 KiB (a batch: 4 MiB). Numbers in a path or query are plain digits, without sign,
fraction or leading zeros. Lengths are counted in Unicode code points. Every error is a problem
document (RFC 9457) whose \`detail\` is a readable sentence.`;

/** The command API in OpenAPI 3.1. */
export const openApi = (version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'Anime Analytics: commands',
    version,
    summary: 'Records clicks, views and ratings.',
    description: DESCRIPTION,
    contact: { name: 'The maintainers of Anime Analytics' },
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [
    { url: '.', description: 'The URL that this document was loaded from, with any prefix.' },
  ],
  tags: [
    { name: 'Interactions', description: 'What users do: clicks, views and ratings.' },
    { name: 'Catalogue', description: 'The anime and their histories.' },
    { name: 'Users', description: 'The right to be forgotten.' },
    { name: 'Operations', description: 'Health, metrics and this document.' },
  ],
  paths: { ...INTERACTIONS, ...CATALOGUE, ...USERS, ...OPERATIONS },
  components: {
    schemas,
    parameters: parts.parameters,
    headers: parts.headers,
    examples: parts.examples,
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        description: 'An API key of the service, if it has API keys.',
      },
      apiKey: {
        type: 'apiKey',
        in: 'header',
        name: 'X-Api-Key',
        description: 'The same key in a separate header.',
      },
    },
  },
});
