import type { ExpectedRevision } from '../ports/event-store.js';
import { Problem } from '../platform/problem.js';

/** The entity tag of an anime is the revision of its stream. */
export const etagOf = (revision: bigint): string => `"${revision}"`;

export const etagOrNone = (revision: ExpectedRevision): string | undefined =>
  revision === 'no_stream' ? undefined : etagOf(revision);

const ENTITY_TAG = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(,|$)/y;
const REVISION = /^(?:0|[1-9][0-9]{0,18})$/;

/**
 * Reads If-Match: `any` for a star, else the revisions it lists. A weak tag never matches, nor does
 * one that is no revision: both are left out, and an empty list matches nothing.
 */
export const parseIfMatch = (header: string | undefined): 'any' | readonly bigint[] | undefined => {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return 'any';
  const revisions: bigint[] = [];
  let tags = 0;
  ENTITY_TAG.lastIndex = 0;
  for (;;) {
    const [matched, weak, tag, end] = ENTITY_TAG.exec(header) ?? [];
    if (matched === undefined) throw malformed();
    if (tag !== undefined) tags += 1;
    if (tag !== undefined && weak === undefined && REVISION.test(tag)) revisions.push(BigInt(tag));
    if (end === '') break;
  }
  if (tags === 0) throw malformed();
  return revisions;
};

const malformed = (): Problem =>
  new Problem(400, 'The header If-Match must be * or a list of entity tags such as "5".');
