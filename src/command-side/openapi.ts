import { PROBLEM_MEDIA_TYPE } from '../platform/problem.js';
import { schemas, type SchemaName } from './openapi-schemas.js';

const content = (name: SchemaName, mediaType = 'application/json') => ({
  content: { [mediaType]: { schema: { $ref: `#/components/schemas/${name}` } } },
});

const header = (description: string, example: string) => ({
  description,
  schema: { type: 'string' },
  example,
});

const RECORDED_HEADERS = {
  ETag: header('The revision of the anime after this command.', '"42"'),
  Location: header(
    'Where the event can be read, relative to the request.',
    'animes/1/events?from=42&limit=1',
  ),
  'Idempotency-Replayed': header('Set when this command was recorded before.', 'true'),
};

const recorded = (description: string) => ({
  description,
  headers: RECORDED_HEADERS,
  ...content('Recorded'),
});

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The body, the path, the query or a header cannot be read.',
  401: 'An API key is missing or not known.',
  404: 'The anime is not in the catalogue.',
  409: 'Others kept writing to this anime; nothing was recorded.',
  410: 'The anime has been taken off the catalogue.',
  412: 'The anime is not at a revision that If-Match and If-None-Match ask for.',
  413: 'The body is larger than 16 KiB.',
  415: 'The body is not JSON in UTF-8.',
  422: 'A field does not validate, or the Idempotency-Key came before with another body.',
  429: 'Too many requests from this address.',
  500: 'A bug, or (type event-store-refused) an operator must act. Nothing was recorded.',
  503:
    'Nothing was recorded for now, or (type outcome-unknown) it is not known whether it was. ' +
    'Types stream-unreadable, stream-truncated and event-store-access-denied: an operator must act.',
};

const problems = (...statuses: readonly number[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: PROBLEMS[status], ...content('Problem', PROBLEM_MEDIA_TYPE) },
    ]),
  );

const ANIME_ID = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The MyAnimeList id.',
  schema: { type: 'integer', minimum: 1, maximum: 2 ** 31 - 1 },
};

const COMMAND_HEADERS = [
  {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes a repeat safe: the same key with the same body is recorded once. A key counts per API key, anime and kind of command.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  {
    name: 'If-Match',
    in: 'header',
    description: 'The ETag that the anime must have, else 412.',
    schema: { type: 'string' },
  },
  {
    name: 'If-None-Match',
    in: 'header',
    description:
      'An ETag that a listed anime must not have; with *, it must not be listed: else 412.',
    schema: { type: 'string' },
  },
];

const query = (name: string, description: string, maximum?: number) => ({
  name,
  in: 'query',
  description,
  schema: { type: 'integer', minimum: name === 'limit' ? 1 : 0, ...(maximum && { maximum }) },
});

const SECURITY = { security: [{}, { bearer: [] }, { apiKey: [] }] };

/** JSON by the names that `navigator.sendBeacon` and trackers give it, and by any ending in +json. */
const beacon = (name: SchemaName) => ({
  required: true,
  description: 'JSON, also as application/*+json or text/plain, which navigator.sendBeacon sends.',
  content: { ...content(name).content, ...content(name, 'text/plain').content },
});

const details = { required: true, ...content('Details') };

const command = (summary: string, body: object | undefined, success: object) => ({
  summary,
  parameters: COMMAND_HEADERS,
  ...(body === undefined ? {} : { requestBody: body }),
  responses: {
    ...success,
    ...problems(400, 401, 404, 409, 410, 412),
    ...(body === undefined ? {} : problems(413, 415)),
    ...problems(422, 429, 500, 503),
  },
  ...SECURITY,
});

const CREATED = { 201: recorded('Recorded.') };

const probe = (summary: string, body: SchemaName, unhealthy = true) => ({
  summary,
  responses: {
    200: { description: 'Yes.', ...content(body) },
    ...(unhealthy ? { 503: { description: 'No.', ...content(body) } } : {}),
  },
});

const text = (summary: string, mediaType: string) => ({
  summary,
  responses: { 200: { description: summary, content: { [mediaType]: {} } } },
});

/** The command API in OpenAPI 3.1. */
export const openApi = (version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'Anime Analytics: commands',
    version,
    description: 'Records clicks, views and ratings of animes, and keeps their catalogue.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  paths: {
    '/click': { post: command('Record a click', beacon('Click'), CREATED) },
    '/view': { post: command('Record a view', beacon('View'), CREATED) },
    '/rating': { post: command("Record a user's rating", beacon('Rating'), CREATED) },
    '/animes/{id}': {
      parameters: [ANIME_ID],
      put: command('Put an anime into the catalogue, or replace its details', details, {
        200: recorded('Revised, or nothing had to change.'),
        201: recorded('Listed.'),
      }),
      delete: command('Take an anime off the catalogue', undefined, {
        200: recorded('Taken off, or it was off already.'),
      }),
    },
    '/animes/{id}/events': {
      parameters: [ANIME_ID],
      get: {
        summary: 'Read the history of an anime',
        parameters: [
          query('from', 'The first revision to read.'),
          query('limit', 'How many events at most; 100 by default.', 500),
        ],
        responses: {
          200: { description: 'A page of the history.', ...content('Events') },
          ...problems(400, 401, 404, 410, 429, 500, 503),
        },
        ...SECURITY,
      },
    },
    '/health': { get: probe('Are the dependencies healthy?', 'Health') },
    '/ready': { get: probe('Can it serve?', 'Probe') },
    '/live': { get: probe('Does the process live?', 'Probe', false) },
    '/metrics': { get: text('Metrics for Prometheus', 'text/plain') },
    '/openapi.json': { get: text('This document', 'application/json') },
  },
  components: {
    schemas,
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
    },
  },
});
