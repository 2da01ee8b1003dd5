import { expect } from 'chai';
import type { Logger } from '../../src/platform/observability/logger.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { AnimeDocument } from '../../src/ports/read-store.js';
import type { QueryApiOptions } from '../../src/query-side/graphql/query-api.js';
import { AT } from '../support/examples.js';
import { codesOf, serveQueryApi, storeThatAnswers } from '../support/query-api.js';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const keepingLogger = (lines: Line[]): Logger => {
  const keep =
    (level: string) =>
    (message: string, data: Line['data'] = {}) =>
      void lines.push({ level, message, data });
  const logger: Logger = {
    debug: () => undefined,
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    child: () => logger,
  };
  return logger;
};

describe('a query that fails', () => {
  const lines: Line[] = [];
  const stops: (() => Promise<void>)[] = [];

  afterEach(async () => {
    lines.length = 0;
    for (const stop of stops.splice(0)) await stop();
  });

  const whenAsked = async (
    query: string,
    readStore: QueryApiOptions['readStore'],
    options: Partial<QueryApiOptions> = {},
  ) => {
    const api = await serveQueryApi({ readStore, logger: keepingLogger(lines), ...options });
    stops.push(api.stop);
    const response = await api.post(JSON.stringify({ query }), { 'X-Request-Id': 'request-7' });
    return { status: response.status, body: await response.json() };
  };

  it('by a bug shows only the request id, and logs the cause', async () => {
    const cause = new TypeError('secret detail of document 42');
    const store = storeThatAnswers({ genres: () => Promise.reject(cause) });
    expect(await whenAsked('{ genres }', store)).to.deep.equal({
      status: 200,
      body: {
        data: null,
        errors: [
          {
            message: 'Internal error. See request request-7 in the log of the service.',
            locations: [{ line: 1, column: 3 }],
            path: ['genres'],
            extensions: { code: 'INTERNAL_SERVER_ERROR' },
          },
        ],
      },
    });
    expect(lines).to.deep.equal([
      {
        level: 'error',
        message: 'Query failed',
        data: { requestId: 'request-7', path: ['genres'], error: cause },
      },
    ]);
  });

  it('by a malformed document is reported as a bug', async () => {
    const broken = { clicks: 1.5 } as AnimeDocument;
    const store = storeThatAnswers({ topByViews: () => Promise.resolve([broken]) });
    const { body } = await whenAsked('{ topAnimesByViews { totalClicks } }', store);
    expect(body).to.have.nested.property('errors[0].extensions.code', 'INTERNAL_SERVER_ERROR');
    expect(lines).to.have.nested.property('[0].message', 'Query failed');
  });

  it('because the store is unavailable says so, and returns the other fields', async () => {
    const away = new UnavailableError('connect ECONNREFUSED 10.0.0.7:27017');
    const store = storeThatAnswers({ anime: () => Promise.reject(away) });
    const query = '{ serviceInfo { version } animeStats(animeId: 1) { totalViews } }';
    expect(await whenAsked(query, store)).to.deep.equal({
      status: 200,
      body: {
        data: { serviceInfo: { version: '1.2.3' }, animeStats: null },
        errors: [
          {
            message:
              'The read models cannot be reached; try again shortly. See request request-7 in the log of the service.',
            locations: [{ line: 1, column: 27 }],
            path: ['animeStats'],
            extensions: { code: 'SERVICE_UNAVAILABLE' },
          },
        ],
      },
    });
    expect(lines).to.deep.equal([
      {
        level: 'warn',
        message: 'Read store unavailable',
        data: { requestId: 'request-7', error: away },
      },
    ]);
  });

  it('without read models of this release is NOT_READY, and succeeds once they exist', async () => {
    let active: Awaited<ReturnType<QueryApiOptions['readStore']['active']>> = null;
    const store = storeThatAnswers({ genres: () => Promise.resolve([]) }, () =>
      Promise.resolve(active),
    );
    const { fingerprint } = store;
    const record = {
      name: 'v1',
      state: 'active',
      logId: 'log',
      createdAt: AT,
      group: 'v1',
    } as const;
    const query = '{ genres }';
    const api = await serveQueryApi({ readStore: store });
    stops.push(api.stop);
    expect(await api.ask(query)).to.deep.equal({
      data: null,
      errors: [
        {
          message: 'The read models are still being built; try again shortly.',
          locations: [{ line: 1, column: 3 }],
          path: ['genres'],
          extensions: { code: 'NOT_READY' },
        },
      ],
    });
    for (const other of ['of another release', null]) {
      active = { ...record, fingerprint: other };
      expect(codesOf(await api.ask(query))).to.deep.equal(['NOT_READY']);
    }
    active = { ...record, fingerprint };
    expect(await api.ask(query)).to.deep.equal({ data: { genres: [] } });
  });

  it('because the active version is unknown is NOT_READY too', async () => {
    const store = storeThatAnswers({}, () => Promise.reject(new UnavailableError('down')));
    const { body } = await whenAsked('{ genres }', store);
    expect(body).to.have.nested.property('errors[0].extensions.code', 'SERVICE_UNAVAILABLE');
  });

  it('by a revision that does not arrive is STALE_READ', async () => {
    const old = { animeId: 1, revision: 6 } as AnimeDocument;
    const store = storeThatAnswers({ anime: () => Promise.resolve(old) });
    const query = '{ animeStats(animeId: 1, minRevision: "7") { totalViews } }';
    const { body } = await whenAsked(query, store, { revisionWaitMs: 5 });
    expect(body).to.deep.equal({
      data: { animeStats: null },
      errors: [
        {
          message: 'Anime 1 has not reached revision 7 here yet; try again shortly.',
          locations: [{ line: 1, column: 3 }],
          path: ['animeStats'],
          extensions: { code: 'STALE_READ', animeId: 1, minRevision: '7' },
        },
      ],
    });
    expect(lines).to.deep.equal([]);
  });
});
