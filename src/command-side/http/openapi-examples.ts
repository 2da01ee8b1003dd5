import { EXAMPLE_DETAILS } from '../../domain/details.js';
import { problemExample as problem, USER_PROBLEMS, USER_RESPONSES } from './openapi-problem.js';

const INTERACTION_EXAMPLE = { anime_id: 1, user_id: 'user123' };

/** The bodies of requests. */
export const REQUEST_EXAMPLES = {
  Click: INTERACTION_EXAMPLE,
  View: { ...INTERACTION_EXAMPLE, duration_seconds: 1440 },
  Rating: { ...INTERACTION_EXAMPLE, rating: 8.333 },
  Details: EXAMPLE_DETAILS,
  Batch: [
    { type: 'click', ...INTERACTION_EXAMPLE },
    { type: 'view', anime_id: 999, user_id: 'user123', duration_seconds: 1440 },
  ],
};

const ok = (message: string, eventId: string, revision: string, position: string) => ({
  status: 'ok',
  message,
  eventId,
  animeId: 1,
  revision,
  position,
});

const LISTED_ID = '0f6c3c1e-55a8-4d0f-9f3e-5b1f0f5b8f11';
const CLICK_ID = 'd3c4a8b2-6f0e-4c5a-8a51-2f7f5c9f0e4d';

/** The health report of a stream whose commands are refused. */
export const REFUSED_STREAM = {
  stream: 'anime-1',
  detail: 'The history of anime-1 was truncated: it begins at revision 1 ($maxCount is 1).',
  remedy:
    'Remove $maxCount, $maxAge and $tb from the metadata of anime-1. If a scavenge has removed the events already, delete the stream (a soft delete) and list the anime again.',
};

/** The responses to these requests, sent in order to a service without data. */
export const RESPONSE_EXAMPLES = {
  listed: ok('Catalogue details recorded.', LISTED_ID, '0', '1'),
  clicked: ok('Click recorded.', CLICK_ID, '1', '2'),
  viewed: ok('View recorded.', '5a0d7f3e-8c1b-4f7e-b0a6-93d1e4c2ab70', '2', '3'),
  rated: {
    ...ok('Rating recorded.', '9e1b6c52-0d4f-4a6b-a2c7-7c6e2b1d8f35', '3', '4'),
    rating: 8.33,
  },
  batch: {
    results: [
      {
        status: 201,
        eventId: 'b1d7c3e9-2f4a-4c86-9b05-7e8a6d1f0c32',
        animeId: 1,
        revision: '4',
        position: '5',
      },
      {
        type: 'urn:problem-type:anime-not-listed',
        title: 'Anime not listed',
        status: 404,
        detail: 'Anime 999 is not in the catalogue.',
      },
    ],
  },
  events: {
    animeId: 1,
    stream: 'anime-1',
    events: [
      {
        eventId: CLICK_ID,
        type: 'ClickRegistered',
        revision: '1',
        position: '2',
        recordedAt: '2026-11-24T10:00:00.003Z',
        data: {
          schemaVersion: 2,
          animeId: 1,
          occurredAt: '2026-11-24T10:00:00.000Z',
          userId: 'user123',
        },
        metadata: {
          $correlationId: 'page-7f3a',
          $causationId: 'request-42',
          commandId: CLICK_ID,
        },
      },
    ],
    next: '?from=2&limit=1',
  },
  unchanged: { status: 'ok', message: 'Nothing had to change.', animeId: 1, revision: '4' },
  revised: ok('Catalogue details recorded.', '2b7e9d14-3c5a-4e8f-9d60-1a4b7c8e5f92', '5', '6'),
  delisted: ok(
    'Anime removed from the catalogue.',
    'c81f5e3a-7b2d-4960-8e1f-6d3a9b0c4e27',
    '6',
    '7',
  ),
  ...USER_RESPONSES,
  healthy: {
    status: 'healthy',
    service: 'command-api',
    version: '0.1.0',
    dependencies: { 'event-store': 'healthy' },
  },
  unhealthy: {
    status: 'unhealthy',
    service: 'command-api',
    version: '0.1.0',
    dependencies: { 'event-store': 'unhealthy' },
    reasons: { 'event-store': 'The event log is closed.' },
  },
  degraded: {
    status: 'degraded',
    service: 'command-api',
    version: '0.1.0',
    dependencies: { 'event-store': 'healthy' },
    problems: {
      'commands-refused': {
        count: 1,
        streams: [REFUSED_STREAM],
      },
    },
  },
  ready: { status: 'ready' },
  notReady: { status: 'not ready' },
  alive: { status: 'alive' },
};

const ID_NOT_READABLE = 'The id in the path must be a whole number from 1 to 2147483647.';

const REFUSED_BY_STORE =
  'The event store refuses this request. An operator must act; nothing was recorded.';
const DENIED_BY_STORE =
  'The event store denies this service access. An operator must act; nothing was recorded.';

/** One example of every problem; tests compare it with the real response. */
export const PROBLEM_EXAMPLES = {
  'batch-header': problem(
    400,
    'The header If-Match is for a single command; a batch has ids instead.',
    { instance: '/batch' },
  ),
  'batch-not-json': problem(400, 'The body is not valid JSON.', { instance: '/batch' }),
  'batch-too-long': problem(413, 'A batch has at most 10,000 commands.', { instance: '/batch' }),
  'batch-of-another-type': problem(
    415,
    'The body must be a JSON array, with the content type application/json, application/*+json or text/plain, or NDJSON, with application/x-ndjson.',
    { instance: '/batch' },
  ),
  'batch-not-an-array': problem(422, 'The body must be a JSON array.', {
    kind: 'validation',
    errors: [{ pointer: '', detail: 'The body must be a JSON array.' }],
    instance: '/batch',
  }),
  'body-not-json': problem(400, 'The body is not valid JSON.'),
  'id-not-readable': problem(400, ID_NOT_READABLE, { instance: '/animes/abc' }),
  'events-id-not-readable': problem(400, ID_NOT_READABLE, { instance: '/animes/abc/events' }),
  'query-not-readable': problem(
    400,
    'The query parameter limit must be a whole number from 1 to 500.',
    { instance: '/animes/1/events' },
  ),
  'header-not-readable': problem(
    400,
    'The header If-Match must be * or a list of entity tags such as "5".',
  ),
  'not-http': problem(400, 'This is not a valid HTTP request.', { instance: null }),
  'key-missing': problem(401, 'An API key is required.'),
  'key-unknown': problem(401, 'Unknown API key.'),
  'key-read-only': problem(403, 'This API key may only read; commands need one of API_KEYS.', {
    kind: 'read-only-key',
  }),
  'anime-not-listed': problem(404, 'Anime 999 is not in the catalogue.', {
    kind: 'anime-not-listed',
  }),
  'no-history': problem(404, 'Anime 999 has no history.', {
    kind: 'anime-not-listed',
    instance: '/animes/999/events',
  }),
  'expectation-failed': problem(417, 'The only supported expectation is 100-continue.'),
  'host-not-served': problem(
    421,
    'This host is not served here. If it should be, name it in ALLOWED_HOSTS.',
  ),
  'transfer-coding-not-supported': problem(501, 'The only supported transfer coding is chunked.'),
  'request-timeout': problem(408, 'The request took too long to arrive.', { instance: null }),
  conflict: problem(
    409,
    'Concurrent writes to this anime kept conflicting; nothing was recorded. Try again.',
    {
      kind: 'conflict',
    },
  ),
  'anime-delisted': problem(410, 'Anime 1 has been removed from the catalogue.', {
    kind: 'anime-delisted',
  }),
  'stream-deleted': problem(410, 'The history of this anime was permanently deleted.', {
    kind: 'stream-deleted',
  }),
  'precondition-failed': problem(412, 'The revision of the anime does not satisfy If-Match.', {
    kind: 'precondition-failed',
  }),
  'already-listed': problem(
    412,
    'The anime is in the catalogue at a revision that If-None-Match excludes.',
    { kind: 'precondition-failed', instance: '/animes/1' },
  ),
  'body-too-large': problem(413, 'The body is too large.'),
  'body-of-another-type': problem(
    415,
    'The body must be JSON, with the content type application/json, application/*+json or text/plain.',
  ),
  'details-of-another-type': problem(
    415,
    'The body must be JSON, with the content type application/json.',
    { instance: '/animes/1' },
  ),
  validation: problem(422, 'user_id is required.', {
    kind: 'validation',
    errors: [{ pointer: '/user_id', detail: 'user_id is required.' }],
  }),
  'idempotency-key-reused': problem(
    422,
    'This Idempotency-Key was used before with another body.',
    { kind: 'idempotency-key-reused' },
  ),
  'too-many-requests': problem(429, 'Too many requests from this address; try again later.'),
  'headers-too-large': problem(431, 'The headers are too large.', { instance: null }),
  'internal-error': problem(
    500,
    'Internal error. See request request-42 in the log of the service.',
  ),
  'event-store-refused': problem(500, REFUSED_BY_STORE, { kind: 'event-store-refused' }),
  'history-refused': problem(500, REFUSED_BY_STORE, {
    kind: 'event-store-refused',
    instance: '/animes/1/events',
  }),
  overloaded: problem(503, 'Too many commands are waiting; nothing was recorded.', {
    kind: 'overloaded',
  }),
  unavailable: problem(503, 'The event store does not respond; nothing was recorded.', {
    kind: 'unavailable',
  }),
  'user-key-unavailable': problem(
    503,
    'The store of user keys is not available; nothing was recorded.',
    { kind: 'user-key-unavailable' },
  ),
  'history-unavailable': problem(503, 'The event store does not respond.', {
    kind: 'unavailable',
    instance: '/animes/1/events',
  }),
  'outcome-unknown': problem(
    503,
    'It is not known whether this was recorded. Repeat it with the same Idempotency-Key.',
    { kind: 'outcome-unknown' },
  ),
  'stream-unreadable': problem(
    503,
    'Event 1 of anime-1 (ClickRegistered version 99) cannot be read: its schema version is newer than this service. An operator must act; nothing was recorded.',
    {
      kind: 'stream-unreadable',
      members: { stream: 'anime-1', revision: '1', eventType: 'ClickRegistered version 99' },
    },
  ),
  'stream-truncated': problem(
    503,
    'The history of anime-1 was truncated: it begins at revision 1 ($maxCount is 1). An operator must act; nothing was recorded.',
    {
      kind: 'stream-truncated',
      members: { stream: 'anime-1', revision: '1', eventType: 'ClickRegistered' },
    },
  ),
  'event-store-access-denied': problem(503, DENIED_BY_STORE, { kind: 'event-store-access-denied' }),
  ...USER_PROBLEMS,
  'history-denied': problem(503, DENIED_BY_STORE, {
    kind: 'event-store-access-denied',
    instance: '/animes/1/events',
  }),
};

export type ProblemName = keyof typeof PROBLEM_EXAMPLES;
