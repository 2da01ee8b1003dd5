import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** For answers that are data: a browser that shows one as a page may load and run nothing. */
export const securityHeaders = (): RequestHandler =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // The APIs are called from pages of other origins; CORS decides which.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  });

/**
 * For the pages that we serve ourselves (API reference, GraphiQL): everything from this origin,
 * inline scripts and styles included, nothing from any other. Put before the route's handler.
 */
export const pageSecurityHeaders = (): RequestHandler =>
  helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      scriptSrc: ["'self'", "'unsafe-inline'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'", 'data:'],
      workerSrc: ["'self'", 'blob:'],
      connectSrc: ["'self'"],
      frameAncestors: ["'none'"],
    },
  });
