import cors from 'cors';
import express, { type Express, type RequestHandler, Router } from 'express';
import { rateLimit } from 'express-rate-limit';
import type { Health } from '../observability/health.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics, MetricsPart, PortMetrics } from '../observability/metrics.js';
import { requireApiKey } from './api-key.js';
import { type FrontPageOptions, frontPageRoutes } from './front-page.js';
import { lastError, optionsOf, unmatched } from './http-errors.js';
import { useMessageClasses } from './messages.js';
import { Problem } from './problem.js';
import { requestContext } from './request-context.js';
import { onlyHosts, wellFramed } from './request-rules.js';
import { securityHeaders } from './security-headers.js';

export interface HttpAppOptions extends FrontPageOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The parts whose metrics this port serves, beside its own requests. */
  readonly metricsOf: readonly MetricsPart[];
  readonly health: Health;
  /** One of these is required for metrics and user data; if empty, everybody may read. */
  readonly readerKeys?: readonly string[];
  /** Accepted Host headers, beside addresses and localhost; undefined accepts any. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Origins whose pages may send requests, with credentials; `*` allows all. */
  readonly corsOrigins: readonly string[];
  /** Requests per client address and minute; 0 = no limit. Health and metrics are not counted. */
  readonly rateLimitPerMinute: number;
  /** The number of reverse proxies in front, true for any number, or their addresses. Default 0. */
  readonly trustProxy?: number | boolean | readonly string[];
  /** Mounted at the root, in this order; 405 and Allow are derived from their routes. */
  readonly routers: readonly Router[];
}

const EXPOSED_HEADERS = [
  'ETag',
  'Location',
  'X-Request-Id',
  'X-Correlation-Id',
  'Idempotency-Replayed',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'WWW-Authenticate',
  'Allow',
];

/** An Express app with the routes and middleware that both APIs share. */
export const createHttpApp = (options: HttpAppOptions): Express => {
  const { logger, health, rateLimitPerMinute, trustProxy = 0, routers, readerKeys = [] } = options;
  const metrics = options.metrics.port(options.metricsOf);
  const all = [...routers, healthRoutes({ health, metrics, readerKeys }), frontPageRoutes(options)];
  const app = express();
  app.disable('x-powered-by');
  // ETags are stream revisions, not hashes of a body.
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  app.set('trust proxy', trustProxy);
  app.use(useMessageClasses(app));
  app.use(requestContext({ logger, metrics }));
  app.use(securityHeaders());
  app.use(wellFramed());
  if (options.allowedHosts !== undefined) app.use(onlyHosts(options.allowedHosts));
  app.use(crossOrigin(options.corsOrigins));
  app.use(optionsOf(all));
  if (rateLimitPerMinute > 0) app.use(limiter(rateLimitPerMinute));
  for (const router of all) app.use(router);
  app.use(unmatched(all));
  app.use(lastError(logger));
  return app;
};

/**
 * CORS with credentials, which `navigator.sendBeacon` always sends. Credentials forbid `*`, so the
 * response names the allowed origin, and varies by origin so that caches keep origins apart.
 */
const crossOrigin = (origins: readonly string[]): RequestHandler => {
  // Requested headers are reflected: tracing and client libraries add their own.
  const allow = cors({
    origin: true,
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 600,
    preflightContinue: true,
  });
  const listed = new Set(origins);
  const isAllowed = (origin: string): boolean => listed.has('*') || listed.has(origin);
  return (req, res, next) => {
    res.vary('Origin');
    const { origin } = req.headers;
    if (origin !== undefined && isAllowed(origin)) allow(req, res, next);
    else next();
  };
};

const limiter = (limit: number) =>
  rateLimit({
    windowMs: 60_000,
    limit,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // The setting TRUST_PROXY already decides this.
    validate: { trustProxy: false },
    skip: ({ path }) => PROBES.includes(path),
    handler: (_req, res, next) => {
      const retryAfter = res.getHeader('Retry-After');
      const headers = { 'Retry-After': typeof retryAfter === 'string' ? retryAfter : '60' };
      next(new Problem(429, 'Too many requests from this address; try again later.', { headers }));
    },
  });

/** Polled by machines, so never rate limited. */
export const PROBES: readonly string[] = ['/health', '/ready', '/live', '/metrics'];

/** `/health`, `/ready` for load balancers, `/live` for supervisors, and `/metrics`. */
export const healthRoutes = (options: {
  readonly health: Health;
  readonly metrics: PortMetrics;
  readonly readerKeys?: readonly string[];
}): Router => {
  const { health, metrics } = options;
  const router = Router({ caseSensitive: true });

  router.get('/health', async (_req, res) => {
    const report = await health.report();
    res.status(report.status === 'unhealthy' ? 503 : 200).json(report);
  });

  router.get('/ready', async (_req, res) => {
    const { ready, reasons } = await health.readiness();
    if (!ready) res.setHeader('Retry-After', '5');
    res.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', reasons });
  });

  router.get('/live', (_req, res) => void res.json({ status: 'alive' }));

  router.get('/metrics', requireApiKey(options.readerKeys ?? []), async (_req, res) => {
    res.setHeader('Content-Type', metrics.contentType);
    res.end(await metrics.text());
  });

  return router;
};
