import { STATUS_CODES } from 'node:http';
import { context } from '@opentelemetry/api';
import type { ErrorRequestHandler, Request, RequestHandler, Response, Router } from 'express';
import type { Logger } from '../observability/logger.js';
import { correlationIdOf, externalPathOf, requestIdOf, traceContextOf } from './request-context.js';

/** An invalid field: a JSON pointer into the body, and a sentence. */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

export interface ProblemOptions {
  /** A kind that the status alone does not express, such as `outcome-unknown`. */
  readonly kind?: string;
  readonly errors?: readonly FieldProblem[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the document, as RFC 9457 allows them. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error response. Its detail is a sentence for a person, without secrets. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly options: ProblemOptions = {},
  ) {
    super(detail, 'cause' in options ? { cause: options.cause } : {});
    this.name = 'Problem';
  }
}

const PROBLEM_TYPE_PREFIX = 'urn:problem-type:';
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** The document of RFC 9457, without the members that need a request. */
export const problemDocument = ({ status, detail, options }: Problem) => {
  const { kind, errors, members } = options;
  return {
    type: kind === undefined ? 'about:blank' : `${PROBLEM_TYPE_PREFIX}${kind}`,
    title: kind === undefined ? (STATUS_CODES[status] ?? 'Error') : titleOf(kind),
    status,
    detail,
    ...members,
    ...(errors === undefined ? {} : { errors }),
  };
};

const titleOf = (kind: string): string => {
  const words = kind.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const sendProblem = (req: Request, res: Response, problem: Problem): void => {
  const body = JSON.stringify({
    ...problemDocument(problem),
    instance: externalPathOf(req),
    requestId: requestIdOf(res),
  });
  for (const [name, value] of Object.entries(problem.options.headers ?? {})) {
    res.setHeader(name, value);
  }
  res.statusCode = problem.status;
  res.setHeader('Content-Type', PROBLEM_MEDIA_TYPE);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.setHeader('Cache-Control', 'no-store');
  res.end(body);
};

const NOTHING_HERE = new Problem(404, 'There is nothing at this path.');

/** Mounted after all routes: 405 if the path has other methods, else 404. */
export const unmatched =
  (routers: readonly Router[]): RequestHandler =>
  (req, _res, next) => {
    const allowed = methodsAt(routers, req.path);
    if (allowed.length === 0) {
      next(NOTHING_HERE);
      return;
    }
    const headers = { Allow: allowed.join(', ') };
    next(new Problem(405, `This path supports only ${headers.Allow}.`, { headers }));
  };

/**
 * Responds to OPTIONS with the methods of the path, or 404 if there is none. A preflight always
 * succeeds: if it failed, the page would see a network error instead of the 404.
 */
export const optionsOf =
  (routers: readonly Router[]): RequestHandler =>
  (req, res, next) => {
    if (req.method !== 'OPTIONS') {
      next();
      return;
    }
    const allowed = methodsAt(routers, req.path);
    const isPreflight = req.headers['access-control-request-method'] !== undefined;
    // The target * means the server itself, not a path.
    if (allowed.length === 0 && !isPreflight && req.url !== '*') {
      next(NOTHING_HERE);
      return;
    }
    if (allowed.length > 0) res.setHeader('Allow', allowed.join(', '));
    res.statusCode = 204;
    res.end();
  };

/** Read from the routes, so that Allow cannot drift from them. */
const methodsAt = (routers: readonly Router[], path: string): string[] => {
  const methods = routers
    .flatMap((router) => router.stack as unknown as readonly Layer[])
    .filter((layer) => layer.route !== undefined && layer.match(path))
    .flatMap((layer) => Object.keys(layer.route?.methods ?? {}))
    .map((method) => method.toUpperCase());
  const all = methods.includes('GET') ? [...methods, 'HEAD', 'OPTIONS'] : [...methods, 'OPTIONS'];
  return methods.length === 0 ? [] : [...new Set(all)].sort();
};

interface Layer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** The last middleware: turns errors into problems and masks unexpected ones. */
export const lastError =
  (logger: Logger): ErrorRequestHandler =>
  (error: unknown, req, res, _next) => {
    const problem = problemOfError(error, { logger, req, res });
    // Part of the response has been sent: only a broken connection tells the client.
    if (res.headersSent) res.destroy();
    else sendProblem(req, res, problem);
  };

/** The problem that an error is to the client: an unexpected one is masked and logged. */
export const problemOfError = (
  error: unknown,
  at: { readonly logger: Logger; readonly req: Request; readonly res: Response },
): Problem => {
  const { logger, req, res } = at;
  const problem = problemOf(error) ?? masked(requestIdOf(res));
  if (problem.status >= 500) {
    const request = {
      requestId: requestIdOf(res),
      correlationId: correlationIdOf(res),
      method: req.method,
      status: problem.status,
    };
    context.with(traceContextOf(res), () => {
      // While a server is away every request is refused: one sentence each is enough.
      if (problem === error && problem.cause === undefined) {
        logger.warn('Request refused', { ...request, reason: problem.message });
      } else {
        logger.error('Request failed', { ...request, error: problem.cause ?? error });
      }
    });
  }
  return problem;
};

const masked = (requestId: string): Problem =>
  new Problem(500, `Internal error. See request ${requestId} in the log of the service.`);

/** By the `type` that body-parser gives its errors. */
const BODY_PROBLEMS: Readonly<Record<string, Problem>> = {
  'entity.too.large': new Problem(413, 'The body is too large.'),
  'encoding.unsupported': new Problem(415, 'The content encoding of the body is not supported.'),
  'request.aborted': new Problem(400, 'The body ended too early.'),
  'request.size.invalid': new Problem(400, 'The length of the body differs from Content-Length.'),
};

/** Errors of express and its body parsers carry a status; only client errors are shown. */
const problemOf = (error: unknown): Problem | undefined => {
  if (error instanceof Problem) return error;
  if (!(error instanceof Error)) return undefined;
  const { status, type } = error as { readonly status?: unknown; readonly type?: unknown };
  if (typeof type === 'string' && Object.hasOwn(BODY_PROBLEMS, type)) return BODY_PROBLEMS[type];
  if (error instanceof URIError)
    return new Problem(400, 'The path is not correctly percent-encoded.');
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined;
  return new Problem(status, status === 400 ? 'The request cannot be read.' : 'Request refused.');
};
