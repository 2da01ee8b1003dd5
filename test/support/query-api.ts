import { expect } from 'chai';
import { createHealth } from '../../src/platform/observability/health.js';
import { listen } from '../../src/platform/http/http-server.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import type { ReadQueries, ReadStore, VersionRecord } from '../../src/ports/read-store.js';
import { createQueryApi, type QueryApiOptions } from '../../src/query-side/graphql/query-api.js';
import { somePipeline } from './pipeline.js';
import { AT } from './examples.js';

export interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions?: Readonly<Record<string, unknown>>;
  }[];
}

/** The query API on a free port of loopback, and the way to ask it. */
export const serveQueryApi = async (
  options: Partial<QueryApiOptions> & Pick<QueryApiOptions, 'readStore'>,
) => {
  const logger = options.logger ?? silentLogger();
  const metrics = createMetrics({ processMetrics: false });
  const app = createQueryApi({
    logger,
    metrics,
    health: createHealth({ service: 'query-api', version: '1.2.3', logger, cacheMs: 0 }),
    metricsOf: ['query-api'],
    corsOrigins: [],
    role: 'all',
    elsewhere: () => [],
    events: 'off',
    projections: null,
    rateLimitPerMinute: 0,
    production: true,
    now: () => new Date(AT),
    serviceInfo: () => ({ version: '1.2.3', role: 'all', lagEvents: 0, lagSeconds: 0 }),
    pipeline: somePipeline(),
    ...options,
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const url = `${server.url}/graphql`;

  const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body,
    });

  const ask = async (query: string, variables: object = {}): Promise<Answer> =>
    (await (await post(JSON.stringify({ query, variables }))).json()) as Answer;

  return { url, metrics, post, ask, stop: () => server.close(1000) };
};

/** The codes of an answer's errors. */
export const codesOf = ({ errors = [] }: Answer): unknown[] =>
  errors.map(({ extensions }) => extensions?.['code']);

/** What HTTP refuses is a problem document, with a sentence for a person. */
export const expectProblem = async (response: Response, status: number, sentence: RegExp) => {
  expect(response.headers.get('content-type')).to.equal('application/problem+json');
  const problem = (await response.json()) as { detail: string };
  expect(problem).to.include({ status });
  expect(problem.detail).to.match(sentence);
  expect(response.status).to.equal(status);
};

const FINGERPRINT = 'of this release';
const ACTIVE: VersionRecord = {
  name: 'v1',
  state: 'active',
  logId: 'log',
  createdAt: AT,
  group: 'v1',
  fingerprint: FINGERPRINT,
};

/** A read store that answers what a test says; any other question fails the query. */
export const storeThatAnswers = (
  answers: Partial<ReadQueries> = {},
  active: ReadStore['active'] = () => Promise.resolve(ACTIVE),
): QueryApiOptions['readStore'] => {
  const unexpected = () => Promise.reject(new Error('The store was asked unexpectedly.'));
  const queries: ReadQueries = {
    anime: unexpected,
    topByViews: unexpected,
    topByRating: unexpected,
    search: unexpected,
    trending: unexpected,
    recommended: unexpected,
    genres: unexpected,
    interactionsOf: unexpected,
    activityOf: unexpected,
    activity: unexpected,
    totals: unexpected,
    ...answers,
  };
  return {
    fingerprint: FINGERPRINT,
    active,
    queries: () => queries,
    documents: () => {
      throw new Error('No documents are asked for.');
    },
    onSaved: () => () => undefined,
    onChanged: () => () => undefined,
  };
};
