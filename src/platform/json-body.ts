import { isUtf8 } from 'node:buffer';
import express, { type RequestHandler } from 'express';
import { Problem } from './problem.js';

const JSON_MEDIA_TYPE = /^application\/json[\t ]*(;|$)/i;

/**
 * Reads a JSON body of at most `limitBytes`, after decompression. 415 for another content type,
 * charset or unknown encoding, 413 for too much, 400 for what is empty, not UTF-8 or not JSON.
 */
export const jsonBody = ({ limitBytes }: { readonly limitBytes: number }): RequestHandler => {
  const parse = express.json({
    limit: limitBytes,
    strict: false,
    type: () => true,
    verify: requireUtf8,
  });
  return (req, res, next) => {
    if (!JSON_MEDIA_TYPE.test(req.headers['content-type'] ?? '')) {
      next(new Problem(415, 'The body must be JSON, with the content type application/json.'));
      return;
    }
    parse(req, res, (error?: unknown) => {
      if (error === undefined && req.body === undefined) next(EMPTY);
      else next(error);
    });
  };
};

const EMPTY = new Problem(400, 'The body is empty.');

/** Decoding replaces bytes that are not UTF-8 in silence: two different ids would become one. */
const requireUtf8 = (_req: unknown, _res: unknown, body: Buffer, encoding: string): void => {
  if (encoding !== 'utf-8') throw new Problem(415, 'The body must be encoded in UTF-8.');
  if (body.length === 0) throw EMPTY;
  if (!isUtf8(body)) throw new Problem(400, 'The body is not valid UTF-8.');
};
