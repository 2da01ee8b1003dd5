import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createCommandApi } from '../../src/command-side/http/command-api.js';
import { createCommandHandler } from '../../src/command-side/handling/handler.js';
import type { CommandLimits } from '../../src/command-side/handling/queued-command.js';
import { createHealth } from '../../src/platform/observability/health.js';
import { listen } from '../../src/platform/http/http-server.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import type { EraseUser, UserProtection } from '../../src/ports/user-protection.js';
import { openStore } from './command-handler.js';
import { AT } from './examples.js';
import { faultyEventStore } from './faulty-event-store.js';

export interface CommandApiOptions {
  readonly apiKeys?: readonly string[];
  /** Keys that may read; they include the keys for commands. */
  readonly readerKeys?: readonly string[];
  readonly production?: boolean;
  readonly limits?: Partial<CommandLimits>;
  readonly rateLimitPerMinute?: number;
  readonly version?: string;
  readonly newId?: () => string;
  readonly headersTimeoutMs?: number;
  readonly allowedHosts?: readonly string[];
  /** Absent: user ids are not protected. */
  readonly eraseUser?: EraseUser;
  readonly users?: UserProtection;
}

/** The whole command API on a free port, over an embedded event store in a fresh directory. */
export const serveCommandApi = async (options: CommandApiOptions = {}) => {
  const { apiKeys = [], readerKeys = apiKeys, production = false, limits = {} } = options;
  const {
    rateLimitPerMinute = 0,
    version = '1.2.3',
    newId = randomUUID,
    headersTimeoutMs = 10_000,
    allowedHosts,
    eraseUser = null,
    users = null,
  } = options;
  const logger = silentLogger();
  const metrics = createMetrics({ processMetrics: false });
  const opened = await openStore();
  const faulty = faultyEventStore(opened.store);
  const { store } = faulty;
  const health = createHealth({ service: 'command-api', version, logger, cacheMs: 0 });
  health.register('event-store', () => store.ping());
  const handler = createCommandHandler({ store, logger, metrics, newId, limits, users });
  health.watch('commands-refused', () =>
    handler.refused().map(({ stream, detail, remedy }) => ({ stream, detail, remedy })),
  );
  const app = createCommandApi({
    handler,
    store,
    eraseUser,
    logger,
    metrics,
    health,
    apiKeys,
    readerKeys,
    production,
    allowedHosts,
    metricsOf: ['command-api'],
    corsOrigins: ['*'],
    role: 'all',
    elsewhere: () => [],
    rateLimitPerMinute,
    version,
    now: () => new Date(AT),
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0, headersTimeoutMs });

  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text !== '' ? JSON.parse(text) : text) as Readonly<Record<string, unknown>>,
    };
  };

  return {
    ...faulty,
    url: server.url,
    port: server.port,
    send,
    post: (path: string, body: unknown, headers?: Record<string, string>) =>
      send('POST', path, body, headers),
    list: (id: number) => send('PUT', `/animes/${id}`, { title: `Anime ${id}` }),
    health,
    /** All events of all animes. */
    countEvents: async () => {
      let count = 0;
      const stop = new AbortController();
      const all = opened.store.subscribeToAll({
        after: 'start',
        streamPrefix: 'anime-',
        signal: stop.signal,
      });
      for await (const { kind } of all) {
        if (kind === 'event') count += 1;
        if (kind === 'caught-up') break;
      }
      return count;
    },
    stop: async () => {
      await server.close(1000);
      await handler.drain();
      await opened.close();
    },
  };
};

export type CommandApi = Awaited<ReturnType<typeof serveCommandApi>>;
export type Answer = Awaited<ReturnType<CommandApi['send']>>;

/** A problem document with this status and a sentence; answers its errors' pointers. */
export const expectProblem = (answer: Answer, status: number): readonly string[] => {
  expect(answer.status, JSON.stringify(answer.body)).to.equal(status);
  expect(answer.headers.get('content-type')).to.equal('application/problem+json');
  expect(answer.body).to.include.keys('type', 'title', 'status', 'detail', 'instance');
  expect(answer.body['status']).to.equal(status);
  expect(answer.body['detail'])
    .to.be.a('string')
    .that.matches(/^[A-Za-z].*\.$/s);
  const errors = (answer.body['errors'] ?? []) as readonly { pointer: string; detail: string }[];
  for (const { detail } of errors) expect(detail).to.match(/^[A-Za-z].*\.$/s);
  return errors.map(({ pointer }) => pointer);
};

/** The path that a relative reference leads to from a request. */
export const resolved = (reference: string, from: string): string => {
  const { pathname, search } = new URL(reference, new URL(from, 'http://a.example'));
  return `${pathname}${search}`;
};
