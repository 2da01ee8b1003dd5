import { RESPONSE_EXAMPLES, REQUEST_EXAMPLES, type ProblemName } from './openapi-examples.js';
import * as parts from './openapi-responses.js';
import {
  content,
  notModified,
  parameters,
  probed,
  problems,
  ref,
  okResponse,
} from './openapi-responses.js';
import { schemas } from './openapi-schemas.js';

type ParameterName = keyof typeof parameters;

const refs = (...names: readonly ParameterName[]) => names.map((name) => ref('parameters', name));

/** Open where the service has no API keys. */
const SECURITY = [{}, { bearer: [] }, { apiKey: [] }];

const IDS: readonly ParameterName[] = ['RequestId', 'CorrelationId'];
const COMMAND_HEADERS = refs('IdempotencyKey', 'IfMatch', 'IfNoneMatch', ...IDS, 'Traceparent');

const OF_EVERY_ROUTE = [
  ...(['not-http', 'request-timeout', 'headers-too-large', 'internal-error'] as const),
];
const OF_EVERY_REQUEST: readonly ProblemName[] = [
  ...OF_EVERY_ROUTE,
  ...(['key-missing', 'key-unknown', 'too-many-requests'] as const),
];
const OF_EVERY_COMMAND: readonly ProblemName[] = [
  ...OF_EVERY_REQUEST,
  'key-read-only',
  ...(['header-not-readable', 'conflict', 'stream-deleted', 'precondition-failed'] as const),
  ...(['overloaded', 'unavailable', 'outcome-unknown', 'stream-unreadable'] as const),
  ...(['stream-truncated', 'event-store-access-denied', 'event-store-refused'] as const),
];
const OF_A_BODY: readonly ProblemName[] = [
  ...(['body-not-json', 'body-too-large', 'validation', 'idempotency-key-reused'] as const),
];

const recorded = (description: string, values: Readonly<Record<string, unknown>>) =>
  okResponse(description, content('Recorded', values), 'ETag', 'Location', 'Idempotency-Replayed');

const interactionOperation = (
  operationId: string,
  body: 'Click' | 'View' | 'Rating',
  answer: object,
  texts: { readonly summary: string; readonly description: string },
) => ({
  operationId,
  tags: ['Interactions'],
  ...texts,
  parameters: COMMAND_HEADERS,
  requestBody: {
    description: `${schemas[body].description} JSON, also called application/*+json or text/plain, which navigator.sendBeacon sends.`,
    required: true,
    content: {
      ...content(body, { [body.toLowerCase()]: REQUEST_EXAMPLES[body] }),
      ...content(body, { [body.toLowerCase()]: REQUEST_EXAMPLES[body] }, 'text/plain'),
    },
  },
  responses: {
    201: recorded('Recorded.', { recorded: answer }),
    ...problems(
      ...OF_EVERY_COMMAND,
      ...OF_A_BODY,
      ...(['body-of-another-type', 'anime-not-listed', 'anime-delisted'] as const),
    ),
  },
  security: SECURITY,
});

const INTERACTIONS = {
  '/click': {
    post: interactionOperation('recordClick', 'Click', RESPONSE_EXAMPLES.clicked, {
      summary: 'Record a click',
      description: 'Appends a ClickRegistered event to the history of the anime.',
    }),
  },
  '/view': {
    post: interactionOperation('recordView', 'View', RESPONSE_EXAMPLES.viewed, {
      summary: 'Record a view',
      description: 'Appends a ViewRegistered event to the history of the anime.',
    }),
  },
  '/rating': {
    post: interactionOperation('recordRating', 'Rating', RESPONSE_EXAMPLES.rated, {
      summary: "Record a user's rating",
      description: 'Appends a RatingGiven event; the latest rating of each user counts.',
    }),
  },
};

const CATALOGUE = {
  '/animes/{id}': {
    parameters: refs('AnimeId'),
    put: {
      operationId: 'putAnime',
      tags: ['Catalogue'],
      summary: 'Put an anime into the catalogue, or replace its details',
      description: 'Lists the anime (again), or revises its details where they differ.',
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
        200: recorded('Revised, or nothing had to change.', {
          revised: RESPONSE_EXAMPLES.revised,
          unchanged: RESPONSE_EXAMPLES.unchanged,
        }),
        201: recorded('Listed.', { listed: RESPONSE_EXAMPLES.listed }),
        ...problems(
          ...OF_EVERY_COMMAND,
          ...OF_A_BODY,
          ...(['details-of-another-type', 'id-not-readable', 'already-listed'] as const),
        ),
      },
      security: SECURITY,
    },
    delete: {
      operationId: 'delistAnime',
      tags: ['Catalogue'],
      summary: 'Take an anime off the catalogue',
      description: 'It rejects interactions until it is listed again; its counters stay.',
      parameters: COMMAND_HEADERS,
      responses: {
        200: recorded('Taken off, or it was off already.', {
          delisted: RESPONSE_EXAMPLES.delisted,
        }),
        ...problems(...OF_EVERY_COMMAND, 'id-not-readable', 'anime-not-listed'),
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
      description: 'A page of its stream, oldest event first, for inspection.',
      parameters: refs('From', 'Limit', ...IDS),
      responses: {
        200: okResponse(
          'A page of the history.',
          content('Events', { page: RESPONSE_EXAMPLES.events }),
        ),
        ...notModified,
        ...problems(
          ...OF_EVERY_REQUEST,
          ...(['events-id-not-readable', 'query-not-readable', 'no-history'] as const),
          ...(['stream-deleted', 'history-unavailable', 'history-denied'] as const),
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
  responses: { ...responses, ...problems(...OF_EVERY_ROUTE) },
  security,
});

const OPERATIONS = {
  '/health': {
    get: operation(
      'getHealth',
      {
        summary: 'Are the dependencies healthy?',
        description: 'Asks each dependency; for people and dashboards.',
      },
      {
        200: probed(
          'All are, though an operator may have to look at some streams.',
          content('Health', {
            healthy: RESPONSE_EXAMPLES.healthy,
            degraded: RESPONSE_EXAMPLES.degraded,
          }),
        ),
        ...notModified,
        503: probed('Not all are.', content('Health', { unhealthy: RESPONSE_EXAMPLES.unhealthy })),
      },
    ),
  },
  '/ready': {
    get: operation(
      'getReady',
      { summary: 'Can it serve?', description: 'For load balancers.' },
      {
        200: probed('It can.', content('Probe', { ready: RESPONSE_EXAMPLES.ready })),
        ...notModified,
        503: probed(
          'It cannot, for now.',
          content('Probe', { 'not-ready': RESPONSE_EXAMPLES.notReady }),
          'Retry-After',
        ),
      },
    ),
  },
  '/live': {
    get: operation(
      'getLive',
      { summary: 'Does the process live?', description: 'For supervisors.' },
      {
        200: probed('It does.', content('Probe', { alive: RESPONSE_EXAMPLES.alive })),
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
      { summary: 'This document', description: 'The API in OpenAPI 3.1.' },
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

const DESCRIPTION = `Records clicks, views and ratings of anime, and keeps their catalogue.

Nothing is coerced: \`"1"\` is not 1, and negative zero is not 0. Fields that are not named here are
ignored. Bodies are JSON in UTF-8 of at most 16 KiB. Numbers in a path or query are written in digits
alone, without sign, fraction or leading zeros. Lengths are counted in Unicode code points. Every
refusal is a problem document (RFC 9457) whose \`detail\` is a sentence for a person.`;

/** The command API in OpenAPI 3.1. */
export const openApi = (version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'Anime Analytics: commands',
    version,
    summary: 'Clicks, views and ratings in.',
    description: DESCRIPTION,
    contact: { name: 'The maintainers of Anime Analytics' },
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '.', description: 'Where this document is served, behind whatever prefix.' }],
  tags: [
    { name: 'Interactions', description: 'What users do: clicks, views and ratings.' },
    { name: 'Catalogue', description: 'Which anime there are, and what happened to each.' },
    { name: 'Operations', description: 'Health, metrics and this document.' },
  ],
  paths: { ...INTERACTIONS, ...CATALOGUE, ...OPERATIONS },
  components: {
    schemas,
    parameters,
    headers: parts.headers,
    examples: parts.examples,
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        description: 'One of the API keys of the service, where it has any.',
      },
      apiKey: {
        type: 'apiKey',
        in: 'header',
        name: 'X-Api-Key',
        description: 'The same key in a header of its own.',
      },
    },
  },
});
