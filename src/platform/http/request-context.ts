import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from '../observability/logger.js';
import type { PortMetrics } from '../observability/metrics.js';

const WELL_FORMED_ID = /^[A-Za-z0-9._:-]{1,128}$/;

interface Context {
  readonly requestId: string;
  readonly correlationId: string;
}

const contextOf = (res: Response): Partial<Context> => res.locals as Partial<Context>;

/** Which request this is: what the client called it, if well formed, else an id made here. */
export const requestIdOf = (res: Response): string => contextOf(res).requestId ?? 'none';

/** Which chain of requests this one belongs to: the client's word for it, else the request's id. */
export const correlationIdOf = (res: Response): string => contextOf(res).correlationId ?? 'none';

const PREFIX = /^((?:\/[\w-][\w.~-]{0,99}){1,10})\/?$/;

/**
 * The path that the client asked for, without its query. A proxy in front may strip a prefix and
 * say so in X-Forwarded-Prefix; anybody can send that header, so it counts behind TRUST_PROXY only.
 */
export const externalPathOf = (req: Request): string => {
  const path = req.originalUrl.split('?', 1)[0] ?? '';
  const given = req.headers['x-forwarded-prefix'];
  // A target in absolute form is whole already.
  if (typeof given !== 'string' || !path.startsWith('/') || !isFromProxy(req)) return path;
  return `${PREFIX.exec(given)?.[1] ?? ''}${path}`;
};

/** As Express decides whether X-Forwarded-Proto counts: by the address of the connection. */
const isFromProxy = (req: Request): boolean => {
  const trusts = req.app.get('trust proxy fn') as (address: string, hop: number) => boolean;
  return trusts(req.socket.remoteAddress ?? '', 0);
};

const wellFormed = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' && WELL_FORMED_ID.test(value) ? value : undefined;

/** Ids for every request, its time in the metrics and one line in the log at level debug. */
export const requestContext = (options: {
  readonly logger: Logger;
  readonly metrics: PortMetrics;
}): RequestHandler => {
  const { logger, metrics } = options;
  return (req, res, next) => {
    const startedAt = performance.now();
    const requestId = wellFormed(req.headers['x-request-id']) ?? randomUUID();
    const correlationId = wellFormed(req.headers['x-correlation-id']) ?? requestId;
    Object.assign(res.locals, { requestId, correlationId });
    res.setHeader('X-Request-Id', requestId);
    res.setHeader('X-Correlation-Id', correlationId);
    res.on('close', () => {
      const seconds = (performance.now() - startedAt) / 1000;
      const { method } = req;
      const route = routePattern(req);
      // 499: the client went away before it had an answer.
      const status = res.writableFinished ? res.statusCode : 499;
      metrics.httpSeconds.observe({ method, route, status }, seconds);
      logger.debug('Request answered', {
        method,
        route,
        status,
        seconds,
        requestId,
        correlationId,
      });
    });
    next();
  };
};

/** The pattern and never the path: a label must not have as many values as there are animes. */
const routePattern = (req: Request): string => {
  const route = req.route as { readonly path?: unknown } | undefined;
  return typeof route?.path === 'string' ? `${req.baseUrl}${route.path}` : 'none';
};
