import { createHash } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** For answers that are data: a browser that shows one as a page may load and run nothing. */
export const securityHeaders = (): RequestHandler => {
  const headers = headersSetBy(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      },
      // The APIs are called from pages of other origins; CORS decides which.
      crossOriginResourcePolicy: { policy: 'cross-origin' },
    }),
  );
  return (_req, res, next) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  };
};

/** Helmet answers every request alike, through a dozen functions: one answer is enough. */
const headersSetBy = (
  middleware: ReturnType<typeof helmet>,
): readonly (readonly [string, string])[] => {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  middleware(request, response, (error) => {
    if (error !== undefined) throw new Error('The security headers are wrong', { cause: error });
  });
  return response.getHeaderNames().map((name) => [name, String(response.getHeader(name))]);
};

/**
 * For the pages that we serve ourselves (API reference, GraphiQL): files of this origin and the given
 * inline scripts, nothing from any other. Put before the route's handler.
 */
export const pageSecurityHeaders = (inlineScripts: readonly string[] = []): RequestHandler =>
  helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'", ...inlineScripts.map(hashSource)],
      // Both pages bring libraries that make style elements while they run.
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'", 'data:'],
      workerSrc: ["'self'", 'blob:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  });

/** What lets a browser run, or apply, exactly this inline text. */
export const hashSource = (text: string): string =>
  `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
