import type { RequestHandler } from 'express';
import { isIP } from 'node:net';
import { Problem } from './problem.js';

/** Ends the connection: the end of this request is unknown, so the next cannot be found. */
const CLOSE = { headers: { Connection: 'close' } };

const NO_HOST = new Problem(400, 'An HTTP/1.1 request must have a Host header.', CLOSE);
const CODED = new Problem(501, 'The only supported transfer coding is chunked.', CLOSE);
const EXPECTING = new Problem(417, 'The only supported expectation is 100-continue.');

/** Rules of RFC 9112 and 9110 that Node's parser does not check, or whose error it sends itself. */
export const wellFramed = (): RequestHandler => (req, _res, next) => {
  const { host, expect, 'transfer-encoding': coding } = req.headers;
  if (host === undefined && req.httpVersion === '1.1') next(NO_HOST);
  else if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') next(CODED);
  else if (expect !== undefined && expect.toLowerCase() !== '100-continue') next(EXPECTING);
  else next();
};

const HOST = /^(\[[\da-f:.]+\]|[^\s:[\]]+?)\.?(?::\d*)?$/;

/**
 * Refuses requests for other hosts than these, `localhost` and addresses: with DNS rebinding, a
 * page points its own name at this machine, so that its browser treats both as one origin. Such
 * requests name the page's host. A name that begins with a dot matches all of its subdomains.
 */
export const onlyHosts = (names: readonly string[]): RequestHandler => {
  const known = ['localhost', '.localhost', ...names.map((name) => name.toLowerCase())];
  const isKnown = (host: string): boolean =>
    isIP(host.replace(/^\[|\]$/g, '')) > 0 ||
    known.some((name) => (name.startsWith('.') ? host.endsWith(name) : host === name));
  return ({ headers: { host } }, _res, next) => {
    // Only HTTP/1.0 may omit it, and no browser uses that.
    const name = host === undefined ? 'localhost' : HOST.exec(host.toLowerCase())?.[1];
    if (name !== undefined && isKnown(name)) next();
    else next(MISDIRECTED);
  };
};

const MISDIRECTED = new Problem(
  421,
  'This host is not served here. If it should be, name it in ALLOWED_HOSTS.',
);
