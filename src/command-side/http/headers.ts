import { Problem } from '../../platform/http/problem.js';
import type { EntityTags } from '../../ports/command-result.js';
import type { ExpectedRevision } from '../../ports/event-store.js';

/** The entity tag of an anime is the revision of its stream. */
export const etagOf = (revision: bigint): string => `"${revision}"`;

export const etagOrNone = (revision: ExpectedRevision): string | undefined =>
  revision === 'no_stream' ? undefined : etagOf(revision);

/** A revision in digits: 64 bits do not fit into a JSON number. */
export const REVISION_PATTERN = '^(?:0|[1-9][0-9]{0,18})$';
const REVISION_ONLY = new RegExp(REVISION_PATTERN);

const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`;

/** A precondition: a star, or a list of entity tags; RFC 9110 allows empty entries. */
export const ENTITY_TAGS = String.raw`^[ \t]*(?:\*|(?:,[ \t]*)*${TAG}(?:[ \t]*,(?:[ \t]*${TAG})?)*)[ \t]*$`;
const ENTITY_TAGS_ONLY = new RegExp(ENTITY_TAGS);

/** Weak tags never match If-Match; they are dropped, and so are tags that are not revisions. */
export const parseIfMatch = (header: string | undefined): EntityTags | undefined =>
  parseEntityTags('If-Match', header, { weak: false });

/** Weak comparison, as RFC 9110 requires: a weak tag counts as the revision in it. */
export const parseIfNoneMatch = (header: string | undefined): EntityTags | undefined =>
  parseEntityTags('If-None-Match', header, { weak: true });

const parseEntityTags = (
  name: string,
  header: string | undefined,
  take: { readonly weak: boolean },
): EntityTags | undefined => {
  if (header === undefined) return undefined;
  if (!ENTITY_TAGS_ONLY.test(header)) {
    throw new Problem(400, `The header ${name} must be * or a list of entity tags such as "5".`);
  }
  const tags = header.match(new RegExp(TAG, 'g'));
  if (tags === null) return 'any';
  return tags
    .map((tag) => (take.weak ? tag.replace(/^W\//, '') : tag).slice(1, -1))
    .filter((tag) => REVISION_ONLY.test(tag))
    .map(BigInt);
};

const BARE_KEY = String.raw`[\x21\x23-\x7e]{1,255}`;
/** A string of RFC 9651: only the quote and the backslash are escaped. */
const QUOTED_KEY = String.raw`"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255}"`;

/** The same key where it is no header. */
export const KEY_TEXT = String.raw`^[\x20-\x7e]{1,255}$`;
const KEY_TEXT_ONLY = new RegExp(KEY_TEXT);

export const isIdempotencyKey = (value: unknown): value is string =>
  typeof value === 'string' && KEY_TEXT_ONLY.test(value);

/** The header Idempotency-Key: quoted, as its draft standard says, or bare. */
export const IDEMPOTENCY_KEY = `^(?:${BARE_KEY}|${QUOTED_KEY})$`;
const IDEMPOTENCY_KEY_ONLY = new RegExp(IDEMPOTENCY_KEY);

/** The key without quotes: most clients send it bare, and both forms mean the same. */
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
