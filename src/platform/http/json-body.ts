import { isUtf8 } from 'node:buffer';
import express, { type Request, type RequestHandler } from 'express';
import { Problem } from './problem.js';

/** Accepted content types, and the error text for others. */
interface MediaTypes {
  readonly pattern: RegExp;
  readonly expectation: string;
}

const JSON_ONLY: MediaTypes = {
  pattern: /^application\/json$/i,
  expectation: 'The body must be JSON, with the content type application/json.',
};

/**
 * The content types that `navigator.sendBeacon` and trackers use for JSON. Browsers send `text/plain`
 * to other origins without a preflight. That is safe: API keys travel in headers, which such a
 * request cannot carry, and no cookie grants access.
 */
export const BEACON_TYPES: MediaTypes = {
  pattern: /^(?:application\/(?:[^\s/]+\+)?json|text\/plain)$/i,
  expectation:
    'The body must be JSON, with the content type application/json, application/*+json or text/plain.',
};

/** The content types of a batch; lines are read by `readLines`. */
export const BATCH_TYPES: MediaTypes = {
  pattern: BEACON_TYPES.pattern,
  expectation:
    'The body must be a JSON array, with the content type application/json, application/*+json or text/plain, or NDJSON, with application/x-ndjson.',
};

/**
 * Reads a JSON body of at most `limitBytes`, after decompression. 415 for another content type,
 * charset or unknown encoding, 413 for a body that is too large, 400 for one that is empty, not UTF-8 or not JSON.
 */
export const jsonBody = (options: {
  readonly limitBytes: number;
  /** Default: `JSON_ONLY`. */
  readonly types?: MediaTypes;
}): RequestHandler => {
  const { limitBytes, types = JSON_ONLY } = options;
  const read = express.raw({ limit: limitBytes, type: () => true });
  return (req, res, next) => {
    if (!types.pattern.test(mediaTypeOf(req))) {
      next(new Problem(415, types.expectation));
      return;
    }
    requireUtf8(req);
    read(req, res, (error?: unknown) => {
      if (error !== undefined) {
        next(error);
        return;
      }
      try {
        req.body = parseJson(bodyText(req));
      } catch (problem) {
        next(problem);
        return;
      }
      next();
    });
  };
};

/** Throws 400 for text that is empty or not JSON. */
export const parseJson = (text: string): unknown => {
  if (text === '') throw new Problem(400, 'The body is empty.');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Problem(400, 'The body is not valid JSON.');
  }
};

/** The content type without its parameters; empty if there is none. */
export const mediaTypeOf = ({ headers }: Request): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';

const PARAMETER = /;[\t ]*([^\s;="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g;
const UTF8_CHARSET = /^utf-?8$/i;

/** Throws 415 if the content type names a charset, quoted or not, that is not UTF-8. */
export const requireUtf8 = ({ headers }: Request): void => {
  for (const [, name, quoted, bare] of (headers['content-type'] ?? '').matchAll(PARAMETER)) {
    if (name?.toLowerCase() === 'charset' && !UTF8_CHARSET.test(quoted ?? bare ?? '')) {
      throw new Problem(415, 'The body must be encoded in UTF-8.');
    }
  }
};

export const BYTE_ORDER_MARK = /^\uFEFF/;

/**
 * The text of a body that `express.raw` read, without a byte order mark; empty if there is none.
 * Throws 400 for invalid UTF-8: decoding would silently replace bytes, and two different ids could
 * become one.
 */
const bodyText = ({ body }: Request): string => {
  if (!Buffer.isBuffer(body)) return '';
  if (!isUtf8(body)) throw new Problem(400, 'The body is not valid UTF-8.');
  return body.toString('utf8').replace(BYTE_ORDER_MARK, '');
};
