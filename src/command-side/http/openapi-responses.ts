import { PROBLEM_MEDIA_TYPE } from '../../platform/http/problem.js';
import { ENTITY_TAGS, IDEMPOTENCY_KEY } from './headers.js';
import { PROBLEM_EXAMPLES, type ProblemName } from './openapi-examples.js';
import { whole64 } from './json-schema.js';
import { ANIME_ID_SCHEMA, USER_ID_SCHEMA } from './openapi-interaction-schemas.js';
import type { SchemaName } from './openapi-schemas.js';
import { DEFAULT_EVENTS, MAX_EVENTS } from './stream-routes.js';

const ref = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

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
  'X-Request-Id': responseHeader('The id of the request, as in the log.', 'request-42'),
  'X-Correlation-Id': responseHeader('The id shared by related requests.', 'page-7f3a'),
  ETag: responseHeader('The revision of the anime.', '"41"', {
    type: 'string',
    pattern: '^"(0|[1-9][0-9]*)"$',
  }),
  Location: responseHeader(
    'The URL of the event, relative to the request.',
    'animes/1/events?from=41&limit=1',
    { type: 'string', format: 'uri-reference' },
  ),
  'Idempotency-Replayed': responseHeader(
    'Present if the command had already been recorded.',
    'true',
    {
      type: 'string',
      const: 'true',
    },
  ),
  'Retry-After': responseHeader('Seconds to wait before a retry.', '2', {
    type: 'integer',
    minimum: 0,
  }),
  RateLimit: responseHeader(
    'The remaining quota; only if requests are limited.',
    '"6000-in-1min"; r=5999; t=60',
  ),
  'RateLimit-Policy': responseHeader(
    'The quota; only if requests are limited.',
    '"6000-in-1min"; q=6000; w=60; pk=:MTJjYTE3YjQ5YWYy:',
  ),
  'WWW-Authenticate': responseHeader('How to authenticate.', 'Bearer realm="anime-analytics"'),
};

type HeaderName = keyof typeof headers;

const ID_HEADERS: readonly HeaderName[] = ['X-Request-Id', 'X-Correlation-Id'];
const RATE_LIMIT_HEADERS: readonly HeaderName[] = ['RateLimit', 'RateLimit-Policy'];

const headersOf = (names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, ref('headers', name)]));

/** The example is in the schema: Swagger UI prefills a parameter's own example and would send it. */
const optionalParameter = (
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
  optionalParameter('header', name, description, {
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
  UserId: {
    name: 'id',
    in: 'path',
    description: 'The id of the user, percent-encoded.',
    required: true,
    schema: USER_ID_SCHEMA,
    example: 'user123',
  },
  From: {
    name: 'from',
    in: 'query',
    description: 'The first revision to read; 0 by default.',
    schema: whole64('A revision in digits.', '41'),
  },
  Limit: optionalParameter('query', 'limit', 'The maximum number of events, in digits.', {
    type: 'integer',
    minimum: 1,
    maximum: MAX_EVENTS,
    default: DEFAULT_EVENTS,
    example: 20,
  }),
  IdempotencyKey: header(
    'Idempotency-Key',
    'Makes retries safe: the same key with the same body is recorded once. Keys are scoped to the API key, the anime and the kind of command. Quotes are optional.',
    { pattern: IDEMPOTENCY_KEY, example: 'a5c8f0d2-click-1' },
  ),
  IfMatch: header(
    'If-Match',
    'One or more ETags that the anime must match, or * for any. Otherwise nothing is recorded (412).',
    { pattern: ENTITY_TAGS, example: '"41"' },
  ),
  IfNoneMatch: header(
    'If-None-Match',
    'One or more ETags that a listed anime must not match, or * if it must not be listed. Otherwise nothing is recorded (412).',
    { pattern: ENTITY_TAGS, example: '*' },
  ),
  RequestId: header(
    'X-Request-Id',
    'An id for this request, returned and logged. 1 to 128 letters, digits or . _ : -; if absent or malformed, one is generated.',
    { example: 'request-42' },
  ),
  CorrelationId: header(
    'X-Correlation-Id',
    'An id shared by related requests, stored with the event. Same format; the default is the request id.',
    { example: 'page-7f3a' },
  ),
  Traceparent: header(
    'traceparent',
    'W3C trace context, stored with the event so that the trace continues. Malformed values are ignored.',
    { example: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  ),
};

type ParameterName = keyof typeof parameters;

export const refs = (...names: readonly ParameterName[]) =>
  names.map((name) => ref('parameters', name));

export const IDS: readonly ParameterName[] = ['RequestId', 'CorrelationId'];

/** The empty requirement applies to a service without API keys. */
export const SECURITY = [{}, { bearer: [] }, { apiKey: [] }];

export const examples = Object.fromEntries(
  Object.entries(PROBLEM_EXAMPLES).map(([name, value]) => [name, { summary: value.detail, value }]),
);

const STATUS_DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'The body, the path, the query or a header cannot be read.',
  401: 'The API key is missing or unknown.',
  403: 'The API key may only read.',
  404: 'The anime is not in the catalogue.',
  408: 'The request took too long to arrive.',
  409: 'Concurrent writes to this anime kept conflicting; nothing was recorded.',
  410: 'The anime has been removed from the catalogue, or its history was permanently deleted.',
  412: 'The revision of the anime does not satisfy If-Match or If-None-Match.',
  413: 'The body is larger than 16 KiB, or a batch larger than 4 MiB or 10,000 commands.',
  415: 'The body is not JSON in UTF-8.',
  417: 'The Expect header asks for something other than 100-continue.',
  421: 'The Host header names a host that is not served here.',
  422: 'A field is invalid, or the Idempotency-Key was used before with another body.',
  429: 'Too many requests from this address.',
  431: 'The headers are too large.',
  500: 'A bug, or (type event-store-refused) a problem that an operator must fix. Nothing was recorded.',
  501: 'The body has a transfer coding other than chunked, or the service does not encrypt user ids.',
  503:
    'Nothing was recorded, or (type outcome-unknown) it is not known whether the command was recorded. ' +
    'Types stream-unreadable, stream-truncated and event-store-access-denied: an operator must act.',
};

const HEADERS_BY_STATUS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ['WWW-Authenticate'],
  403: ['WWW-Authenticate'],
  412: ['ETag'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

/** Refused before requests are counted. */
const NOT_COUNTED: readonly number[] = [417, 421, 501];

/** The responses for these problems, by status. */
export const problems = (...names: readonly ProblemName[]) => {
  const statuses = [...new Set(names.map((name) => PROBLEM_EXAMPLES[name].status))].sort(
    (a, b) => a - b,
  );
  return Object.fromEntries(
    statuses.map((status) => {
      const ofStatus = names.filter((name) => PROBLEM_EXAMPLES[name].status === status);
      // The HTTP parser refuses before there is a request, so before there is an id.
      const hasRequest = ofStatus.some((name) => 'instance' in PROBLEM_EXAMPLES[name]);
      const limited = NOT_COUNTED.includes(status) ? [] : RATE_LIMIT_HEADERS;
      const common: readonly HeaderName[] = hasRequest ? [...ID_HEADERS, ...limited] : [];
      return [
        status,
        {
          description: STATUS_DESCRIPTIONS[status],
          headers: headersOf([...common, ...(HEADERS_BY_STATUS[status] ?? [])]),
          content: {
            [PROBLEM_MEDIA_TYPE]: {
              schema: ref('schemas', 'Problem'),
              examples: Object.fromEntries(ofStatus.map((name) => [name, ref('examples', name)])),
            },
          },
        },
      ];
    }),
  );
};

/** A body with a schema and examples. */
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

/** The response to a successful request that counts against the rate limit. */
export const okResponse = (description: string, body: object, ...more: readonly HeaderName[]) => ({
  description,
  headers: headersOf([...ID_HEADERS, ...RATE_LIMIT_HEADERS, ...more]),
  content: body,
});

/** Express responds with 304 to `If-None-Match: *` where a response has no entity tag. */
export const notModified = {
  304: {
    description: 'Not modified: the request had If-None-Match: *.',
    headers: headersOf(ID_HEADERS),
  },
};

/** The response to a probe, which is never rate limited. */
export const probed = (description: string, body: object, ...more: readonly HeaderName[]) => ({
  description,
  headers: headersOf([...ID_HEADERS, ...more]),
  content: body,
});

export const EVERY_ROUTE: readonly ProblemName[] = [
  'not-http',
  'request-timeout',
  'expectation-failed',
  'host-not-served',
  'headers-too-large',
  'internal-error',
  'transfer-coding-not-supported',
];
export const EVERY_REQUEST: readonly ProblemName[] = [
  ...EVERY_ROUTE,
  'key-missing',
  'key-unknown',
  'too-many-requests',
];
export const EVERY_COMMAND: readonly ProblemName[] = [
  ...EVERY_REQUEST,
  'key-read-only',
  'header-not-readable',
  'conflict',
  'stream-deleted',
  'precondition-failed',
  'overloaded',
  'unavailable',
  'user-key-unavailable',
  'outcome-unknown',
  'stream-unreadable',
  'stream-truncated',
  'event-store-access-denied',
  'event-store-refused',
];
export const EVERY_BODY: readonly ProblemName[] = [
  'body-not-json',
  'body-too-large',
  'validation',
  'idempotency-key-reused',
];
