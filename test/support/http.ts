import { connect } from 'node:net';
import { expect } from 'chai';
import type { Router } from 'express';
import { createHealth } from '../../src/platform/observability/health.js';
import { createHttpApp, type HttpAppOptions } from '../../src/platform/http/http-app.js';
import { listen, type HttpServerOptions } from '../../src/platform/http/http-server.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';

/** Serves routers on a free port of loopback, with everything that an API has around them. */
export const serveRouters = async (
  routers: readonly Router[],
  options: Partial<HttpAppOptions & HttpServerOptions> = {},
) => {
  const logger = silentLogger();
  const metrics = options.metrics ?? createMetrics({ processMetrics: false });
  const health =
    options.health ?? createHealth({ service: 'test', version: '1.2.3', logger, cacheMs: 0 });
  const app = createHttpApp({
    logger,
    metricsOf: [],
    corsOrigins: [],
    title: 'Test',
    role: 'all',
    links: () => [],
    rateLimitPerMinute: 0,
    ...options,
    metrics,
    health,
    routers,
  });
  const server = await listen(app, { ...options, host: '127.0.0.1', port: 0 });
  return { ...server, metrics, health, stop: () => server.close(1000) };
};

/** Sends bytes over a bare connection and answers everything that came back until it was closed. */
export const exchange = (port: number, ...chunks: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (received += text));
    socket.on('close', () => resolve(received));
    socket.on('error', (error) => {
      if (received === '') reject(error);
    });
    for (const chunk of chunks) socket.write(chunk);
  });

/** A problem document with this status and sentence. */
export const expectProblem = async (response: Response, status: number, detail: string) => {
  expect(response.status).to.equal(status);
  expect(response.headers.get('content-type')).to.equal('application/problem+json');
  const body: unknown = await response.json();
  expect(body).to.include({ status, detail });
  expect(body).to.include.keys('type', 'title', 'instance', 'requestId');
};
