import type { Request, RequestHandler, Response } from 'express';
import { MemoryStore, rateLimit, type RateLimitInfo } from 'express-rate-limit';
import { Problem } from './problem.js';

interface Quota {
  readonly limit: number;
  readonly store: MemoryStore;
}

/** Requests per client address and minute; above that 429. */
export const limitRate = (limit: number, isExempt: (req: Request) => boolean): RequestHandler => {
  const store = new MemoryStore();
  const quota: Quota = { limit, store };
  const limiter = rateLimit({
    windowMs: 60_000,
    limit,
    store,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // The setting TRUST_PROXY already decides this.
    validate: { trustProxy: false },
    skip: isExempt,
    handler: (_req, res, next) => next(tooManyRequests(res)),
  });
  return (req, res, next) => {
    res.locals['quota'] = quota;
    void limiter(req, res, next);
  };
};

/** The problem of a request above the limit. */
export const tooManyRequests = (res: Response): Problem => {
  const retryAfter = res.getHeader('Retry-After');
  const headers = { 'Retry-After': typeof retryAfter === 'string' ? retryAfter : '60' };
  return new Problem(429, 'Too many requests from this address; try again later.', { headers });
};

/**
 * Counts what one request asks for as so many more requests, and says so in its headers. Returns how
 * many of them are within the limit.
 */
export const countMore = async (req: Request, res: Response, requests: number): Promise<number> => {
  const { quota } = res.locals as { readonly quota?: Quota };
  if (quota === undefined || requests === 0) return requests;
  const { limit, store } = quota;
  const { key } = (req as Request & { readonly rateLimit: RateLimitInfo }).rateLimit;
  let within = 0;
  for (let asked = 0; asked < requests; asked += 1) {
    const { totalHits, resetTime } = await store.increment(key);
    if (totalHits > limit) {
      const seconds = Math.ceil(((resetTime?.getTime() ?? 0) - Date.now()) / 1000);
      res.setHeader('Retry-After', String(Math.max(1, seconds)));
      break;
    }
    within += 1;
  }
  const { totalHits } = (await store.get(key)) ?? { totalHits: limit };
  showRemaining(res, Math.max(0, limit - totalHits));
  return within;
};

const showRemaining = (res: Response, remaining: number): void => {
  const header = res.getHeader('RateLimit');
  if (typeof header === 'string') {
    res.setHeader('RateLimit', header.replace(/; r=\d+/, `; r=${remaining}`));
  }
};
