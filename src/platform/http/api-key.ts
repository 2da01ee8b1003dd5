import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { Problem } from './problem.js';

/** The caller: the beginning of the key's hash, or `anonymous` if no key is required. */
export const callerOf = (res: Response): string =>
  (res.locals as { readonly caller?: string }).caller ?? 'anonymous';

/**
 * Requires one of the keys, as `Authorization: Bearer` or `X-Api-Key`; without keys everybody
 * passes. A reader key gets 403 instead of 401. Only hashes are kept, and all are compared, in
 * constant time.
 */
export const requireApiKey = (
  keys: readonly string[],
  readerKeys: readonly string[] = [],
): RequestHandler => {
  const hashes = keys.map(sha256);
  const readerHashes = readerKeys.map(sha256);
  if (hashes.length === 0) return (_req, _res, next) => next();
  return (req, res, next) => {
    const given = givenKey(req);
    const hash = given === undefined ? undefined : sha256(given);
    if (hash === undefined || !isAmong(hash, hashes)) {
      const reads = hash !== undefined && isAmong(hash, readerHashes);
      next(reads ? readOnly() : refusal(given === undefined));
      return;
    }
    res.locals['caller'] = hash.toString('hex', 0, 8);
    next();
  };
};

/** True if the request has one of the keys, or if no key is required. */
export const hasApiKey = (keys: readonly string[]): ((req: Request) => boolean) => {
  const hashes = keys.map(sha256);
  return (req) => {
    const given = givenKey(req);
    return hashes.length === 0 || (given !== undefined && isAmong(sha256(given), hashes));
  };
};

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

const isAmong = (hash: Buffer, hashes: readonly Buffer[]): boolean =>
  hashes.reduce((found, known) => timingSafeEqual(hash, known) || found, false);

const BEARER = /^Bearer +(\S+) *$/i;

const givenKey = (req: Request): string | undefined => {
  const key = req.headers['x-api-key'];
  if (typeof key === 'string') return key;
  return BEARER.exec(req.headers.authorization ?? '')?.[1];
};

const readOnly = (): Problem =>
  new Problem(403, 'This API key may only read; commands need one of API_KEYS.', {
    kind: 'read-only-key',
    headers: { 'WWW-Authenticate': 'Bearer realm="anime-analytics", error="insufficient_scope"' },
  });

const refusal = (missing: boolean): Problem =>
  new Problem(401, missing ? 'An API key is required.' : 'Unknown API key.', {
    headers: {
      'WWW-Authenticate': `Bearer realm="anime-analytics"${missing ? '' : ', error="invalid_token"'}`,
    },
  });
