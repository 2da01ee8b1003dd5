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
  /** Whose metrics this port shows, beside its own requests. */
  readonly metricsOf: readonly MetricsPart[];
  readonly health: Health;
  /** One of these is needed for what is not for everybody to read; none: everybody may. */
  readonly readerKeys?: readonly string[];
  /** Hosts that requests may name, beside addresses and localhost; none given: any. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Whose pages may call, credentials included; `*` among them allows all. */
  readonly corsOrigins: readonly string[];
  /** Requests per client address and minute; 0 = no limit. Health and metrics are not counted. */
  readonly rateLimitPerMinute: number;
  /** How many reverse proxies stand in front, all, or which addresses. Default 0. */
  readonly trustProxy?: number | boolean | readonly string[];
  /** Mounted at the root, in this order; their routes are what 405 and Allow are derived from. */
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

/** An Express app with everything that both APIs share, around the given routers. */
export const createHttpApp = (options: HttpAppOptions): Express => {
  const { logger, health, rateLimitPerMinute, trustProxy = 0, routers, readerKeys = [] } = options;
  const metrics = options.metrics.port(options.metricsOf);
  const all = [...routers, healthRoutes({ health, metrics, readerKeys }), frontPageRoutes(options)];
  const app = express();
  app.disable('x-powered-by');
  // ETags here are stream revisions, never hashes of a body.
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
 * Tells browsers which pages may read the answers, credentials included: `navigator.sendBeacon`
 * always sends them. A page of an allowed origin is named, never answered `*`, and every answer
 * varies by origin, so that no cache hands one page's answer to another.
 */
const crossOrigin = (origins: readonly string[]): RequestHandler => {
  // Reflected, so that tracing and client libraries may add headers of their own.
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
    // The settings have decided that.
    validate: { trustProxy: false },
    skip: ({ path }) => PROBES.includes(path),
    handler: (_req, res, next) => {
      const retryAfter = res.getHeader('Retry-After');
      const headers = { 'Retry-After': typeof retryAfter === 'string' ? retryAfter : '60' };
      next(new Problem(429, 'Too many requests from this address; try again later.', { headers }));
    },
  });

/** Asked for by machines, and often: they are never limited. */
export const PROBES: readonly string[] = ['/health', '/ready', '/live', '/metrics'];

/** `/health` in detail, `/ready` for load balancers, `/live` for supervisors, `/metrics`. */
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
