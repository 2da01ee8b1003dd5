import { PROBLEM_MEDIA_TYPE } from '../../platform/http/problem.js';
import { ENTITY_TAGS, IDEMPOTENCY_KEY } from './headers.js';
import { PROBLEM_EXAMPLES, type ProblemName } from './openapi-examples.js';
import { whole64 } from './json-schema.js';
import { ANIME_ID_SCHEMA, type SchemaName } from './openapi-schemas.js';
import { DEFAULT_EVENTS, MAX_EVENTS } from './stream-routes.js';

export const ref = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

const responseHeader = (
  description: string,
  example: string,
  schema: object = { type: 'string' },
) => ({
  description,
  schema,
  example,
});

export const headers = {
  'X-Request-Id': responseHeader('What the request is called in the log.', 'request-42'),
  'X-Correlation-Id': responseHeader('What the request belongs to.', 'page-7f3a'),
  ETag: responseHeader('The revision that the anime is at.', '"41"', {
    type: 'string',
    pattern: '^"(0|[1-9][0-9]*)"$',
  }),
  Location: responseHeader(
    'Where the event can be read, relative to the request.',
    'animes/1/events?from=41&limit=1',
    { type: 'string', format: 'uri-reference' },
  ),
  'Idempotency-Replayed': responseHeader('There when the command was recorded before.', 'true', {
    type: 'string',
    const: 'true',
  }),
  'Retry-After': responseHeader('After how many seconds to try again.', '2', {
    type: 'integer',
    minimum: 0,
  }),
  RateLimit: responseHeader(
    'What is left; only where requests are limited.',
    '"6000-in-1min"; r=5999; t=60',
  ),
  'RateLimit-Policy': responseHeader(
    'The limit; only where requests are limited.',
    '"6000-in-1min"; q=6000; w=60; pk=:MTJjYTE3YjQ5YWYy:',
  ),
  'WWW-Authenticate': responseHeader('How to authenticate.', 'Bearer realm="anime-analytics"'),
};

type HeaderName = keyof typeof headers;

const ID_HEADERS: readonly HeaderName[] = ['X-Request-Id', 'X-Correlation-Id'];
const LIMITED: readonly HeaderName[] = ['RateLimit', 'RateLimit-Policy'];

const headersOf = (names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, ref('headers', name)]));

/** Its example is in the schema: pages fill in that of a parameter, and a command would be sent with it. */
const optional = (
  place: 'query' | 'header',
  name: string,
  description: string,
  { example, ...schema }: { readonly example: unknown; readonly [keyword: string]: unknown },
) => ({
  name,
  in: place,
  description,
  schema: { ...schema, examples: [example] },
});

const header = (
  name: string,
  description: string,
  { example, pattern }: { readonly example: string; readonly pattern?: string },
) =>
  optional('header', name, description, {
    type: 'string',
    ...(pattern === undefined ? {} : { pattern }),
    example,
  });

export const parameters = {
  AnimeId: {
    name: 'id',
    in: 'path',
    description: 'The MyAnimeList id, in digits.',
    required: true,
    schema: ANIME_ID_SCHEMA,
    example: 1,
  },
  From: {
    name: 'from',
    in: 'query',
    description: 'The first revision to read; 0 by default.',
    schema: whole64('A revision in digits.', '41'),
  },
  Limit: optional('query', 'limit', 'How many events at most, in digits.', {
    type: 'integer',
    ...{ minimum: 1, maximum: MAX_EVENTS, default: DEFAULT_EVENTS, example: 20 },
  }),
  IdempotencyKey: header(
    'Idempotency-Key',
    'Makes a repeat safe: the same key with the same body is recorded once. It counts per API key, anime and kind of command. Bare or quoted.',
    { pattern: IDEMPOTENCY_KEY, example: 'a5c8f0d2-click-1' },
  ),
  IfMatch: header(
    'If-Match',
    'The ETag that the anime must have, or several, or * for any; else nothing is recorded (412).',
    { pattern: ENTITY_TAGS, example: '"41"' },
  ),
  IfNoneMatch: header(
    'If-None-Match',
    'An ETag that a listed anime must not have, or several, or * if it must not be listed; else nothing is recorded (412).',
    { pattern: ENTITY_TAGS, example: '*' },
  ),
  RequestId: header(
    'X-Request-Id',
    'A name for this request, returned and logged if it is 1 to 128 letters, digits or . _ : -; else one is made.',
    { example: 'request-42' },
  ),
  CorrelationId: header(
    'X-Correlation-Id',
    'A name for what this request belongs to, stored with the event; by the same rule.',
    { example: 'page-7f3a' },
  ),
  Traceparent: header(
    'traceparent',
    'W3C trace context: the trace goes on with the event. Another form is ignored.',
    { example: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  ),
};

export const examples = Object.fromEntries(
  Object.entries(PROBLEM_EXAMPLES).map(([name, value]) => [name, { summary: value.detail, value }]),
);

const STATUS_DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'The body, the path, the query or a header cannot be read.',
  401: 'An API key is missing or not known.',
  403: 'The API key may only read.',
  404: 'The anime is not in the catalogue.',
  408: 'The request took too long to arrive.',
  409: 'Others kept writing to this anime; nothing was recorded.',
  410: 'The anime has been taken off the catalogue, or its history was deleted for ever.',
  412: 'The anime is not at a revision that If-Match and If-None-Match ask for.',
  413: 'The body is larger than 16 KiB.',
  415: 'The body is not JSON in UTF-8.',
  422: 'A field does not validate, or the Idempotency-Key came before with another body.',
  429: 'Too many requests from this address.',
  431: 'The headers are too large.',
  500: 'A bug, or (type event-store-refused) an operator must act. Nothing was recorded.',
  503:
    'Nothing was recorded for now, or (type outcome-unknown) it is not known whether it was. ' +
    'Types stream-unreadable, stream-truncated and event-store-access-denied: an operator must act.',
};

const HEADERS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ['WWW-Authenticate'],
  403: ['WWW-Authenticate'],
  412: ['ETag'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

/** The responses in which these problems are told, by status. */
export const problems = (...names: readonly ProblemName[]) => {
  const statuses = [...new Set(names.map((name) => PROBLEM_EXAMPLES[name].status))].sort(
    (a, b) => a - b,
  );
  return Object.fromEntries(
    statuses.map((status) => {
      const told = names.filter((name) => PROBLEM_EXAMPLES[name].status === status);
      // What the HTTP parser refuses has no request to name.
      const named = told.some((name) => 'instance' in PROBLEM_EXAMPLES[name]);
      const common: readonly HeaderName[] = named ? [...ID_HEADERS, ...LIMITED] : [];
      return [
        status,
        {
          description: STATUS_DESCRIPTIONS[status],
          headers: headersOf([...common, ...(HEADERS[status] ?? [])]),
          content: {
            [PROBLEM_MEDIA_TYPE]: {
              schema: ref('schemas', 'Problem'),
              examples: Object.fromEntries(told.map((name) => [name, ref('examples', name)])),
            },
          },
        },
      ];
    }),
  );
};

/** A body of some shape and real ones of it. */
export const content = (
  schema: SchemaName,
  values: Readonly<Record<string, unknown>>,
  mediaType = 'application/json',
) => ({
  [mediaType]: {
    schema: ref('schemas', schema),
    examples: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }])),
  },
});

/** A success of a request that counts against the limit. */
export const okResponse = (description: string, body: object, ...more: readonly HeaderName[]) => ({
  description,
  headers: headersOf([...ID_HEADERS, ...LIMITED, ...more]),
  content: body,
});

/** What Express makes of `If-None-Match: *` where an answer has no entity tag of its own. */
export const notModified = {
  304: { description: 'To If-None-Match: * alone.', headers: headersOf(ID_HEADERS) },
};

/** The answer to a probe, which is never limited. */
export const probed = (description: string, body: object, ...more: readonly HeaderName[]) => ({
  description,
  headers: headersOf([...ID_HEADERS, ...more]),
  content: body,
});
