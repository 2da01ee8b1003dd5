import { Problem } from '../platform/problem.js';

const BARE = /^[\x21\x23-\x7e]{1,255}$/;
/** A structured field string, where only the quote and the backslash are escaped. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"$/;

/** Reads Idempotency-Key, quoted as its draft standard says or bare as most clients send it. */
export const parseIdempotencyKey = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined;
  const quoted = QUOTED.exec(header)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1');
  if (BARE.test(header)) return header;
  throw new Problem(
    400,
    'The header Idempotency-Key must be one string of 1 to 255 visible ASCII characters.',
  );
};
