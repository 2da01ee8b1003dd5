import { randomUUID } from 'node:crypto';
import {
  context,
  SpanKind,
  SpanStatusCode,
  type Context as TraceContext,
} from '@opentelemetry/api';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from '../observability/logger.js';
import type { PortMetrics } from '../observability/metrics.js';
import { extractTrace, startSpan } from '../observability/trace-context.js';

const WELL_FORMED_ID = /^[A-Za-z0-9._:-]{1,128}$/;

interface Context {
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceContext: TraceContext;
}

const contextOf = (res: Response): Partial<Context> => res.locals as Partial<Context>;

/** The client's id for the request if well formed, else a generated one. */
export const requestIdOf = (res: Response): string => contextOf(res).requestId ?? 'none';

/** The id shared by related requests: the client's if well formed, else the request's id. */
export const correlationIdOf = (res: Response): string => contextOf(res).correlationId ?? 'none';

/** The trace of the request: what the client began, and our span in it where a tracing SDK is loaded. */
export const traceContextOf = (res: Response): TraceContext =>
  contextOf(res).traceContext ?? context.active();

const PREFIX = /^((?:\/[\w-][\w.~-]{0,99}){1,10})\/?$/;

/**
 * The path that the client requested, without its query. A proxy that strips a prefix sends it in
 * X-Forwarded-Prefix. Anybody can send that header, so it counts only behind TRUST_PROXY.
 */
export const externalPathOf = (req: Request): string => {
  const path = req.originalUrl.split('?', 1)[0] ?? '';
  const given = req.headers['x-forwarded-prefix'];
  // A target in absolute form is already complete.
  if (typeof given !== 'string' || !path.startsWith('/') || !isFromProxy(req)) return path;
  return `${PREFIX.exec(given)?.[1] ?? ''}${path}`;
};

/** Like Express for X-Forwarded-Proto: the address of the connection decides. */
const isFromProxy = (req: Request): boolean => {
  const trusts = req.app.get('trust proxy fn') as (address: string, hop: number) => boolean;
  return trusts(req.socket.remoteAddress ?? '', 0);
};

const wellFormed = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' && WELL_FORMED_ID.test(value) ? value : undefined;

/**
 * Gives every request its ids, a span, a duration in the metrics and a log line at level debug. Paths
 * that machines poll get no span.
 */
export const requestContext = (options: {
  readonly logger: Logger;
  readonly metrics: PortMetrics;
  readonly untraced: readonly string[];
}): RequestHandler => {
  const { logger, metrics, untraced } = options;
  return (req, res, next) => {
    const startedAt = performance.now();
    const requestId = wellFormed(req.headers['x-request-id']) ?? randomUUID();
    const correlationId = wellFormed(req.headers['x-correlation-id']) ?? requestId;
    const { span, within } = untraced.includes(req.path)
      ? { span: undefined, within: context.active() }
      : startRequestSpan(req);
    Object.assign(res.locals, { requestId, correlationId, traceContext: within });
    res.setHeader('X-Request-Id', requestId);
    res.setHeader('X-Correlation-Id', correlationId);
    res.on('close', () => {
      const seconds = (performance.now() - startedAt) / 1000;
      const { method } = req;
      const route = routePattern(req);
      // 499: the client disconnected before it had the response.
      const status = res.writableFinished ? res.statusCode : 499;
      metrics.httpSeconds.observe({ method, route, status }, seconds);
      const data = { method, route, status, seconds, requestId, correlationId };
      context.with(within, () => logger.debug('Request completed', data));
      if (span?.isRecording() !== true) return;
      span.updateName(`${method} ${route}`);
      span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    context.with(within, next);
  };
};

const startRequestSpan = (req: Request) => {
  const { method } = req;
  const parent = extractTrace({
    traceparent: req.get('traceparent'),
    tracestate: req.get('tracestate'),
  });
  const attributes = { 'http.request.method': method, 'url.path': withoutUser(req.path) };
  return startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
};

/** Traces must not hold user ids: they would outlive an erasure. */
const withoutUser = (path: string): string => path.replace(/^\/users\/.+/, '/users/:id');

/** The pattern, not the path, which would give a label one value per anime. */
const routePattern = (req: Request): string => {
  const route = req.route as { readonly path?: unknown } | undefined;
  return typeof route?.path === 'string' ? `${req.baseUrl}${route.path}` : 'none';
};
