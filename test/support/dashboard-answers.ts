import type { Page } from 'playwright-core';

/** What a query of the dashboard is answered with, by the name of its operation. */
export type Answers = Readonly<Record<string, unknown>>;

/** Answers these queries in the browser instead of the service; it answers all others. */
export const answerQueries = async (page: Page, answers: Answers): Promise<void> => {
  await page.route('**/graphql', async (route) => {
    const { query = '' } = route.request().postDataJSON() as { readonly query?: string };
    const [, name = ''] = /^query (\w+)/.exec(query) ?? [];
    const data = answers[name];
    if (data === undefined) await route.fallback();
    else await route.fulfill({ json: data });
  });
};

const PARTITIONS = [0, 1, 2].map((partition) => ({
  partition,
  lagEvents: partition * 4,
  offset: String(1000 + partition),
}));

/** A pipeline with something in every part of it: a rebuild under way, dead letters, a lag. */
const troubledPipeline = {
  status: 'degraded',
  version: '1.2.3',
  role: 'all',
  startedAt: '2026-01-02T03:04:05.000Z',
  uptimeSeconds: 7384,
  parts: [
    { name: 'event-store', status: 'healthy', detail: null },
    { name: 'projector', status: 'unhealthy', detail: 'anime-7 has a gap at revision 3.' },
  ],
  servers: [
    { name: 'EventStoreDB', address: 'localhost:2113', version: '24.10.4', status: 'healthy' },
  ],
  bridge: {
    state: 'publishing',
    owner: '0b4a8a0e-7b8e-4a31-9a52-0d6d6a4f8a10',
    checkpoint: '15324',
    head: '15340',
    lagEvents: 16,
    lagSeconds: 0.4,
  },
  readModels: [
    {
      name: 'v1',
      state: 'active',
      lagEvents: 12,
      lagSeconds: 0.2,
      progress: 1,
      partitions: PARTITIONS,
    },
    {
      name: 'v2',
      state: 'building',
      lagEvents: 9000,
      lagSeconds: 60,
      progress: 0.4,
      partitions: [],
    },
    { name: 'v3', state: 'ready', lagEvents: 0, lagSeconds: 0, progress: 1, partitions: [] },
    { name: 'v0', state: 'old', lagEvents: 0, lagSeconds: 0, progress: 1, partitions: [] },
  ],
  rates: { commands: 12.3, published: 12.1, documents: 24.6, queries: 3 },
  counters: { conflicts: 1, duplicates: 2, gaps: 3, deadLetters: 1, alarms: 0, errors: 0 },
};

const deadLetters = {
  edges: [
    {
      cursor: '1',
      node: {
        stream: 'anime-7',
        revision: '3',
        reason: 'unreadable',
        detail: 'The data is no JSON.',
        time: '2026-01-02T03:04:05.000Z',
        replayCommand: 'npx anime-analytics dead-letters replay --stream anime-7',
      },
    },
  ],
  pageInfo: { hasNextPage: false, endCursor: '1' },
};

/** One sample every ten seconds of an hour. */
const history = Array.from({ length: 360 }, (_, at) => ({
  time: new Date(Date.UTC(2026, 0, 2, 2, 0, at * 10)).toISOString(),
  commands: 10 + Math.sin(at / 20) * 5,
  published: 10 + Math.sin(at / 20) * 5,
  documents: 20 + Math.sin(at / 20) * 10,
  lagEvents: at % 40,
  lagSeconds: (at % 40) / 100,
  memoryBytes: 150_000_000 + at * 10_000,
}));

/** The answers of a pipeline in trouble. */
export const pipelineAnswers: Answers = {
  DashboardPipeline: { data: { pipeline: troubledPipeline } },
  DashboardNumbers: { data: { pipeline: troubledPipeline } },
  DashboardHistory: { data: { pipeline: { history } } },
  DashboardDeadLetters: { data: { pipeline: { deadLetters } } },
  DashboardConfiguration: { data: { pipeline: { configuration: { host: '127.0.0.1' } } } },
};

const projection = { condition: 'running', status: 'Running', reason: null, progress: 1 };

/** Two projections, one of them faulted, and a state. */
export const projectionAnswers: Answers = {
  DashboardProjections: {
    data: {
      projections: [
        { ...projection, name: '$by_category', position: 'C:41/P:41' },
        { ...projection, name: 'anime-activity', position: '{"$ce-anime":41}' },
        {
          name: 'global-totals',
          condition: 'faulted',
          status: 'Faulted (Enabled)',
          reason: 'The step took too long.',
          progress: 0.4,
          position: '{"$ce-anime":17}',
        },
      ],
    },
  },
  DashboardProjectionState: { data: { projectionState: { clicks: 41, views: 7 } } },
};
