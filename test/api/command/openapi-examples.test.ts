import { expect } from 'chai';
import {
  RESPONSE_EXAMPLES,
  PROBLEM_EXAMPLES,
  REQUEST_EXAMPLES,
  type ProblemName,
} from '../../../src/command-side/http/openapi-examples.js';
import type { CommandResult } from '../../../src/ports/command-result.js';
import type { RejectionCode } from '../../../src/domain/decide.js';
import { PortError, UnavailableError } from '../../../src/ports/errors.js';
import {
  serveCommandApi,
  type Answer,
  type CommandApi,
  type CommandApiOptions,
} from '../../support/command-api.js';
import { AT } from '../../support/examples.js';
import { conflict, neverApply, refuse } from '../../support/faulty-event-store.js';
import { exchange } from '../../support/http.js';
import { differences, operation, operations } from '../../support/openapi.js';

const NAMES = { 'x-request-id': 'request-42', 'x-correlation-id': 'page-7f3a' };

/** The headers that every response has. */
const OF_EVERY_ANSWER =
  /^(cache-control|connection|content-|cross-origin-|date|keep-alive|origin-agent|referrer|strict-|vary|x-(content|dns|download|frame|permitted|xss)|access-control-)/;

/** Expects that the document describes the response of the operation, headers included. */
const expectDescribed = (operationId: string, { status, headers, body }: Answer): void => {
  const response = operation(operationId).responses[String(status)];
  const mediaType = headers.get('content-type')?.split(';', 1)[0] ?? '';
  const schema = response?.content?.[mediaType]?.schema;
  expect(schema, `${operationId} ${status} ${mediaType}`).not.to.equal(undefined);
  expect(differences(schema ?? {}, body), `${operationId} ${status}`).to.deep.equal([]);
  for (const [name, value] of headers) {
    if (OF_EVERY_ANSWER.test(name)) continue;
    const [, described] =
      Object.entries(response?.headers ?? {}).find(([each]) => each.toLowerCase() === name) ?? [];
    expect(described, `${operationId} ${status} ${name}`).not.to.equal(undefined);
    const typed = described?.schema.type === 'integer' ? Number(value) : value;
    expect(differences(described?.schema ?? {}, typed), name).to.deep.equal([]);
  }
};

/** Positions and times do not depend on the request. */
const withoutPlaces = (body: object): unknown =>
  JSON.parse(JSON.stringify(body), (key: string, value: unknown) =>
    ['position', 'recordedAt'].includes(key) ? '?' : value,
  );

describe('an example of the OpenAPI document', () => {
  it('is the real response to the example request, for all in sequence', async () => {
    const { listed, clicked, viewed, rated, batch, revised, delisted } = RESPONSE_EXAMPLES;
    const [inBatch] = batch.results;
    const recorded = [listed, clicked, viewed, rated, inBatch, inBatch, inBatch, revised, delisted];
    const ids = recorded.map((each) => each?.eventId ?? 'refused');
    const newId = () => ids.shift() ?? expect.fail('no more ids');
    const api = await serveCommandApi({ newId, version: '0.1.0', rateLimitPerMinute: 6000 });
    const expectAnswer = async (
      id: string,
      path: string,
      status: number,
      example: object,
      body?: unknown,
    ): Promise<Answer> => {
      const { method } = operation(id);
      const answer = await api.send(method.toUpperCase(), path, body, NAMES);
      expect(answer.status, JSON.stringify(answer.body)).to.equal(status);
      expect(withoutPlaces(answer.body)).to.deep.equal(withoutPlaces(example));
      expectDescribed(id, answer);
      return answer;
    };
    try {
      const { Details, Click, View, Rating } = REQUEST_EXAMPLES;
      const put = await expectAnswer('putAnime', '/animes/1', 201, listed, Details);
      expect(put.headers.get('etag')).to.equal('"0"');
      expect(put.headers.get('location')).to.equal('../animes/1/events?from=0&limit=1');
      await expectAnswer('recordClick', '/click', 201, clicked, Click);
      await expectAnswer('recordView', '/view', 201, viewed, View);
      await expectAnswer('recordRating', '/rating', 201, rated, Rating);
      await expectAnswer('recordBatch', '/batch', 200, batch, REQUEST_EXAMPLES.Batch);
      await expectAnswer(
        'readAnimeEvents',
        '/animes/1/events?from=1&limit=1',
        200,
        RESPONSE_EXAMPLES.events,
      );
      await expectAnswer('putAnime', '/animes/1', 200, RESPONSE_EXAMPLES.unchanged, Details);
      const title = { title: 'Akira' };
      await expectAnswer('putAnime', '/animes/1', 200, revised, title);
      await expectAnswer('delistAnime', '/animes/1', 200, delisted);
      await expectAnswer('getHealth', '/health', 200, RESPONSE_EXAMPLES.healthy);
      await expectAnswer('getReady', '/ready', 200, RESPONSE_EXAMPLES.ready);
      api.health.stopping();
      await expectAnswer('getReady', '/ready', 503, RESPONSE_EXAMPLES.notReady);
      await expectAnswer('getLive', '/live', 200, RESPONSE_EXAMPLES.alive);
      expectDescribed('getMetrics', await api.send('GET', '/metrics', undefined, NAMES));
      await api.store.close();
      await expectAnswer('getHealth', '/health', 503, RESPONSE_EXAMPLES.unhealthy);
    } finally {
      await api.stop();
    }
  });

  it('of a degraded service is the real health report of a refused stream', async () => {
    const api = await serveCommandApi({ version: '0.1.0', limits: { beginningForMs: 0 } });
    try {
      await clickAfter(truncate)(api);
      const answer = await api.send('GET', '/health', undefined, NAMES);
      expect(answer.status).to.equal(200);
      expect(answer.body).to.deep.equal(RESPONSE_EXAMPLES.degraded);
      expectDescribed('getHealth', answer);
    } finally {
      await api.stop();
    }
  });

  for (const example of [RESPONSE_EXAMPLES.erased, RESPONSE_EXAMPLES.erasedInPart]) {
    const { events } = example.notErased;
    it(`of an erasure that leaves ${events} events is the real response`, async () => {
      const api = await serveCommandApi({ eraseUser: () => Promise.resolve(example.notErased) });
      try {
        const answer = await erase('user123')(api);
        expect(answer.status).to.equal(200);
        expect(answer.body).to.deep.equal(example);
        expectDescribed('eraseUser', answer);
      } finally {
        await api.stop();
      }
    });
  }

  it('of a 304 is the real response to If-None-Match: *', async () => {
    const api = await serveCommandApi();
    try {
      await api.list(1);
      for (const { method, path, responses, operationId } of operations) {
        if (method !== 'get' || operationId === 'getMetrics') continue;
        const url = path.replace('{id}', '1');
        // Not by `fetch`, which adds Cache-Control: no-cache to this header.
        const head = `GET ${url} HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\nConnection: close\r\n\r\n`;
        expect(await exchange(api.port, head), operationId).to.match(/^HTTP\/1\.1 304 /);
        expect(responses, operationId).to.have.property('304');
      }
    } finally {
      await api.stop();
    }
  });

  it('of a replayed command has the replay header', async () => {
    const api = await serveCommandApi();
    try {
      await api.list(1);
      const headers = { 'idempotency-key': 'a5c8f0d2-click-1' };
      await api.post('/click', REQUEST_EXAMPLES.Click, headers);
      const again = await api.post('/click', REQUEST_EXAMPLES.Click, headers);
      expect(again.headers.get('idempotency-replayed')).to.equal('true');
      expectDescribed('recordClick', again);
    } finally {
      await api.stop();
    }
  });
});

type Provocation = readonly [
  operationId: string,
  provoke: (api: CommandApi) => Promise<Answer>,
  options?: CommandApiOptions,
];

const click = (api: CommandApi, anime_id = 1, headers: Record<string, string> = {}) =>
  api.post('/click', { ...REQUEST_EXAMPLES.Click, anime_id }, { ...NAMES, ...headers });

/** A click on an anime that is listed, after something happened. */
const clickAfter =
  (happen: (api: CommandApi) => unknown, headers?: Record<string, string>) =>
  async (api: CommandApi): Promise<Answer> => {
    await api.list(1);
    await happen(api);
    return click(api, 1, headers);
  };

const body =
  (text: unknown, headers: Record<string, string> = {}) =>
  (api: CommandApi) =>
    api.post('/click', text, { ...NAMES, ...headers });

const get = (path: string) => (api: CommandApi) => api.send('GET', path, undefined, NAMES);

const erase = (id: string) => (api: CommandApi) =>
  api.send('DELETE', `/users/${id}`, undefined, NAMES);

const denied = new PortError('ACCESS_DENIED', 'no', false);
const corrupt = new PortError('CORRUPT', 'no', false);

const getWhileReadsFail = (error: Error) => (api: CommandApi) => {
  api.readsFail(error);
  return get('/animes/1/events')(api);
};

/** Hides the beginning of the stream. */
const truncate = async (api: CommandApi): Promise<void> => {
  await click(api);
  await api.store.setMaxCount('anime-1', 1);
};

/** Sends bytes that `fetch` cannot send over a raw connection. */
const bytes =
  (text: string) =>
  async (api: CommandApi): Promise<Answer> => {
    const [head = '', content = ''] = (await exchange(api.port, text)).split('\r\n\r\n');
    const [, status = ''] = /^HTTP\/1\.1 (\d+)/.exec(head) ?? [];
    const headers = new Headers({ 'content-type': /content-type: (.*)/i.exec(head)?.[1] ?? '' });
    return { status: Number(status), headers, body: JSON.parse(content) as Answer['body'] };
  };

const clickWith = (header: string): string =>
  `POST /click HTTP/1.1\r\nHost: other.example\r\nX-Request-Id: request-42\r\n${header}\r\nConnection: close\r\n\r\n`;

const batch =
  (given: unknown, headers: Record<string, string> = {}) =>
  (api: CommandApi) =>
    api.post('/batch', given, { ...NAMES, ...headers });

const PROVOCATIONS: Readonly<Record<ProblemName, Provocation>> = {
  'batch-header': ['recordBatch', batch([], { 'if-match': '*' })],
  'batch-not-json': ['recordBatch', batch('[{')],
  'batch-too-long': ['recordBatch', batch(Array(10_001).fill(0))],
  'batch-of-another-type': ['recordBatch', batch('a=1', { 'content-type': 'a/b' })],
  'batch-not-an-array': ['recordBatch', batch({})],
  'body-not-json': ['recordClick', body('{"anime_id":1,')],
  'id-not-readable': ['delistAnime', (api) => api.send('DELETE', '/animes/abc', undefined, NAMES)],
  'events-id-not-readable': ['readAnimeEvents', get('/animes/abc/events')],
  'query-not-readable': ['readAnimeEvents', get('/animes/1/events?limit=501')],
  'header-not-readable': ['recordClick', (api) => click(api, 1, { 'if-match': '5' })],
  'not-http': ['recordClick', bytes('NONSENSE\r\n\r\n')],
  'key-missing': ['recordClick', click, { apiKeys: ['a-key'] }],
  'key-unknown': [
    'recordClick',
    (api) => click(api, 1, { authorization: 'Bearer another' }),
    { apiKeys: ['a-key'] },
  ],
  'key-read-only': [
    'recordClick',
    (api) => click(api, 1, { 'x-api-key': 'reader' }),
    { apiKeys: ['a-key'], readerKeys: ['a-key', 'reader'] },
  ],
  'anime-not-listed': ['recordClick', (api) => click(api, 999)],
  'no-history': ['readAnimeEvents', get('/animes/999/events')],
  'request-timeout': ['getLive', bytes('GET /live HTTP/1.1\r\nHos'), { headersTimeoutMs: 100 }],
  conflict: [
    'recordClick',
    clickAfter((api) => api.always(conflict)),
    { limits: { conflictRetries: 1 } },
  ],
  'anime-delisted': ['recordClick', clickAfter((api) => api.send('DELETE', '/animes/1'))],
  'stream-deleted': ['recordClick', clickAfter((api) => api.store.tombstoneStream('anime-1'))],
  'already-listed': [
    'putAnime',
    async (api) => {
      await api.list(1);
      const headers = { ...NAMES, 'if-none-match': '*' };
      return api.send('PUT', '/animes/1', REQUEST_EXAMPLES.Details, headers);
    },
  ],
  'details-of-another-type': [
    'putAnime',
    (api) => {
      const headers = { ...NAMES, 'content-type': 'text/plain' };
      return api.send('PUT', '/animes/1', REQUEST_EXAMPLES.Details, headers);
    },
  ],
  'precondition-failed': ['recordClick', clickAfter(() => undefined, { 'if-match': '"7"' })],
  'body-too-large': ['recordClick', body({ ...REQUEST_EXAMPLES.Click, more: 'x'.repeat(20_000) })],
  'body-of-another-type': ['recordClick', body('a=1', { 'content-type': 'a/b' })],
  validation: ['recordClick', body({ anime_id: 1 })],
  'idempotency-key-reused': [
    'recordClick',
    clickAfter(
      (api) =>
        api.post('/click', { anime_id: 1, user_id: 'another' }, { 'idempotency-key': 'a-key' }),
      { 'idempotency-key': 'a-key' },
    ),
  ],
  'too-many-requests': ['recordClick', clickAfter(() => undefined), { rateLimitPerMinute: 1 }],
  'expectation-failed': ['recordClick', bytes(clickWith('Expect: 200-ok'))],
  'host-not-served': [
    'recordClick',
    bytes(clickWith('Content-Length: 0')),
    { allowedHosts: ['anime.example'] },
  ],
  'transfer-coding-not-supported': [
    'recordClick',
    bytes(clickWith('Transfer-Encoding: gzip, chunked')),
  ],
  'headers-too-large': ['getLive', bytes(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)],
  'internal-error': ['recordClick', clickAfter((api) => api.always(() => expect.fail('a bug')))],
  overloaded: ['recordClick', click, { limits: { waitingInAll: 0 } }],
  unavailable: ['recordClick', clickAfter((api) => api.always(refuse))],
  'user-key-unavailable': [
    'recordClick',
    clickAfter(() => undefined),
    {
      users: { known: () => undefined, protect: () => Promise.reject(new UnavailableError('no')) },
    },
  ],
  'user-id-not-readable': ['eraseUser', erase('%20')],
  'user-ids-not-protected': ['eraseUser', erase('user123')],
  'not-erased': [
    'eraseUser',
    erase('user123'),
    { eraseUser: () => Promise.reject(new UnavailableError('down')) },
  ],
  'history-unavailable': ['readAnimeEvents', getWhileReadsFail(new UnavailableError('down'))],
  'history-denied': ['readAnimeEvents', getWhileReadsFail(denied)],
  'history-refused': ['readAnimeEvents', getWhileReadsFail(corrupt)],
  'event-store-access-denied': [
    'recordClick',
    clickAfter((api) => api.always(() => Promise.reject(denied))),
  ],
  'event-store-refused': [
    'recordClick',
    clickAfter((api) => api.always(() => Promise.reject(corrupt))),
  ],
  'stream-truncated': ['recordClick', clickAfter(truncate), { limits: { beginningForMs: 0 } }],
  'outcome-unknown': [
    'recordClick',
    clickAfter((api) => api.always(neverApply)),
    { limits: { deadlineMs: 200 } },
  ],
  'stream-unreadable': [
    'recordClick',
    clickAfter((api) =>
      api.store.append('anime-1', 0n, [
        {
          id: '8a1d0e6c-3b57-4f0a-9c2e-7d5f1b3a6e90',
          type: 'ClickRegistered',
          data: { schemaVersion: 99, occurredAt: AT },
          metadata: {},
        },
      ]),
    ),
  ],
};

type Failure = Exclude<CommandResult['kind'], 'accepted' | 'replayed' | 'unchanged' | 'rejected'>;

/** The example of every kind of failure: a new kind does not compile without one. */
const OF_FAILURES: Readonly<Record<Failure | RejectionCode, ProblemName>> = {
  ANIME_NOT_LISTED: 'anime-not-listed',
  ANIME_DELISTED: 'anime-delisted',
  // Over HTTP the validation of the body comes first.
  INVALID_RATING: 'validation',
  INVALID_DURATION: 'validation',
  INVALID_TIME: 'validation',
  'precondition-failed': 'precondition-failed',
  'key-reused': 'idempotency-key-reused',
  conflict: 'conflict',
  overloaded: 'overloaded',
  unavailable: 'unavailable',
  'user-key-unavailable': 'user-key-unavailable',
  'outcome-unknown': 'outcome-unknown',
  gone: 'stream-deleted',
  unreadable: 'stream-unreadable',
  truncated: 'stream-truncated',
  'access-denied': 'event-store-access-denied',
  'refused-by-store': 'event-store-refused',
  // Event stores take larger events than a body may have.
  'too-large': 'body-too-large',
};

describe('a problem of the OpenAPI document', () => {
  it('exists for every way in which a command can fail', () => {
    const { responses } = operation('recordClick');
    const told = Object.values(responses).flatMap(({ content }) =>
      Object.keys(content?.['application/problem+json']?.examples ?? {}),
    );
    expect(told).to.include.members(Object.values(OF_FAILURES));
  });

  for (const [name, [operationId, provoke, options = {}]] of Object.entries(PROVOCATIONS)) {
    it(`is the real response: ${name}`, async () => {
      const api = await serveCommandApi(options);
      try {
        const answer = await provoke(api);
        expect(answer.body).to.deep.equal(PROBLEM_EXAMPLES[name as ProblemName]);
        expect(answer.status).to.equal(PROBLEM_EXAMPLES[name as ProblemName].status);
        expectDescribed(operationId, answer);
        const told = operation(operationId).responses[String(answer.status)]?.content;
        expect(told?.['application/problem+json']?.examples).to.have.property(name);
      } finally {
        await api.stop();
      }
    });
  }

  it('exists for metrics without a key', async () => {
    const api = await serveCommandApi({ apiKeys: ['a-key'] });
    try {
      const answer = await get('/metrics')(api);
      expect(answer.status).to.equal(401);
      expectDescribed('getMetrics', answer);
    } finally {
      await api.stop();
    }
  });

  it('has Retry-After wherever the real response has it', () => {
    for (const { operationId, responses } of operations) {
      for (const [status, { headers = {}, content = {} }] of Object.entries(responses)) {
        const isProblem = 'application/problem+json' in content;
        if (isProblem && ['429', '503'].includes(status)) {
          expect(headers, `${operationId} ${status}`).to.have.property('Retry-After');
        }
      }
    }
  });
});
