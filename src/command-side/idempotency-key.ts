import { Problem } from '../platform/problem.js';

const BARE = String.raw`[\x21\x23-\x7e]{1,255}`;
/** A structured field string, where only the quote and the backslash are escaped. */
const QUOTED = String.raw`"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255}"`;

/** What the header Idempotency-Key may be: quoted as its draft standard says or bare. */
export const IDEMPOTENCY_KEY = `^(?:${BARE}|${QUOTED})$`;
const IDEMPOTENCY_KEY_ONLY = new RegExp(IDEMPOTENCY_KEY);

/** The key, which is the same whether it comes quoted or bare, as most clients send it. */
export const parseIdempotencyKey = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined;
  if (!IDEMPOTENCY_KEY_ONLY.test(header)) {
    throw new Problem(
      400,
      'The header Idempotency-Key must be one string of 1 to 255 visible ASCII characters.',
    );
  }
  return header.startsWith('"') ? header.slice(1, -1).replace(/\\(.)/g, '$1') : header;
};
