import { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import cors from 'cors';
import express, { type Express, type Request, type RequestHandler, Router } from 'express';
import type { Health } from '../observability/health.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics, MetricsPart, PortMetrics } from '../observability/metrics.js';
import { requireApiKey } from './api-key.js';
import { type FrontPageOptions, frontPageRoutes } from './html.js';
import { lastError, optionsOf, Problem, unmatched } from './problem.js';
import { limitRate } from './rate-limit.js';
import { requestContext } from './request-context.js';
import { securityHeaders } from './security-headers.js';

class AppRequest extends IncomingMessage {}
class AppResponse extends ServerResponse {}
Object.setPrototypeOf(AppRequest.prototype, express.request);
Object.setPrototypeOf(AppResponse.prototype, express.response);

/** For `createServer`: requests and responses with the prototypes that Express expects. */
export const MESSAGE_CLASSES = { IncomingMessage: AppRequest, ServerResponse: AppResponse };

/**
 * Express changes the prototype of each request and response that is not its own, and V8 then makes a
 * hidden class for every one of them: half of what a request allocates, and most of what survives to
 * the old generation. These classes have Express's prototypes from the start. A server may serve one
 * app after another, so all apps share the classes, and the first middleware sets the app.
 */
const useMessageClasses = (app: Express): RequestHandler => {
  app.request = AppRequest.prototype as unknown as Express['request'];
  app.response = AppResponse.prototype as unknown as Express['response'];
  return (req, res, next) => {
    req.app = app;
    res.app = app;
    next();
  };
};

/** Ends the connection: the end of this request is unknown, so the next cannot be found. */
const CLOSE = { headers: { Connection: 'close' } };

const NO_HOST = new Problem(400, 'An HTTP/1.1 request must have a Host header.', CLOSE);
const CODED = new Problem(501, 'The only supported transfer coding is chunked.', CLOSE);
const EXPECTING = new Problem(417, 'The only supported expectation is 100-continue.');

/** Rules of RFC 9112 and 9110 that Node's parser does not check, or whose error it sends itself. */
const wellFramed = (): RequestHandler => (req, _res, next) => {
  const { host, expect, 'transfer-encoding': coding } = req.headers;
  if (host === undefined && req.httpVersion === '1.1') next(NO_HOST);
  else if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') next(CODED);
  else if (expect !== undefined && expect.toLowerCase() !== '100-continue') next(EXPECTING);
  else next();
};

const HOST_HEADER = /^(\[[\da-f:.]+\]|[^\s:[\]]+?)\.?(?::\d*)?$/;

/**
 * Refuses requests for other hosts than these, `localhost` and addresses: with DNS rebinding, a
 * page points its own name at this machine, so that its browser treats both as one origin. Such
 * requests name the page's host. A name that begins with a dot matches all of its subdomains.
 */
const onlyHosts = (names: readonly string[]): RequestHandler => {
  const known = ['localhost', '.localhost', ...names.map((name) => name.toLowerCase())];
  const isKnown = (host: string): boolean =>
    isIP(host.replace(/^\[|\]$/g, '')) > 0 ||
    known.some((name) => (name.startsWith('.') ? host.endsWith(name) : host === name));
  return ({ headers: { host } }, _res, next) => {
    // Only HTTP/1.0 may omit it, and no browser uses that.
    const name = host === undefined ? 'localhost' : HOST_HEADER.exec(host.toLowerCase())?.[1];
    if (name !== undefined && isKnown(name)) next();
    else next(MISDIRECTED);
  };
};

const MISDIRECTED = new Problem(
  421,
  'This host is not served here. If it should be, name it in ALLOWED_HOSTS.',
);

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
  const { allowedHosts } = options;
  const isProbe = ({ path }: Request): boolean => PROBES.includes(path);
  app.use(
    inOrder([
      useMessageClasses(app),
      requestContext({ logger, metrics, untraced: PROBES }),
      securityHeaders(),
      wellFramed(),
      ...(allowedHosts === undefined ? [] : [onlyHosts(allowedHosts)]),
      crossOrigin(options.corsOrigins),
      optionsOf(all),
      ...(rateLimitPerMinute > 0 ? [limitRate(rateLimitPerMinute, isProbe)] : []),
    ]),
  );
  for (const router of all) app.use(router);
  app.use(unmatched(all));
  app.use(lastError(logger));
  return app;
};

/** One layer for all of them: Express matches the path of each of its layers for each request. */
const inOrder = (handlers: readonly RequestHandler[]): RequestHandler =>
  handlers.reduceRight((following, handler) => (req, res, next) => {
    const proceed = (error?: unknown): void => {
      if (error === undefined) void following(req, res, next);
      else next(error);
    };
    try {
      void handler(req, res, proceed);
    } catch (error) {
      next(error);
    }
  });

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
