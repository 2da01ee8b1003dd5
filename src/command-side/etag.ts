import type { ExpectedRevision } from '../ports/event-store.js';
import { Problem } from '../platform/problem.js';

/** The entity tag of an anime is the revision of its stream. */
export const etagOf = (revision: bigint): string => `"${revision}"`;

export const etagOrNone = (revision: ExpectedRevision): string | undefined =>
  revision === 'no_stream' ? undefined : etagOf(revision);

const ENTITY_TAG = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(,|$)/y;
const REVISION = /^(?:0|[1-9][0-9]{0,18})$/;

/** What a precondition names: `any` for a star, else the revisions among its entity tags. */
export type EntityTags = 'any' | readonly bigint[];

/** A weak tag never matches here; it is left out, as is one that is no revision. */
export const parseIfMatch = (header: string | undefined): EntityTags | undefined =>
  parse('If-Match', header, { weak: false });

/** Compared weakly, as RFC 9110 says: a weak tag counts as the revision that it names. */
export const parseIfNoneMatch = (header: string | undefined): EntityTags | undefined =>
  parse('If-None-Match', header, { weak: true });

const parse = (
  name: string,
  header: string | undefined,
  take: { readonly weak: boolean },
): EntityTags | undefined => {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return 'any';
  const revisions: bigint[] = [];
  let tags = 0;
  ENTITY_TAG.lastIndex = 0;
  for (;;) {
    const [matched, weak, tag, end] = ENTITY_TAG.exec(header) ?? [];
    if (matched === undefined) throw malformed(name);
    if (tag !== undefined) tags += 1;
    const counts = weak === undefined || take.weak;
    if (tag !== undefined && counts && REVISION.test(tag)) revisions.push(BigInt(tag));
    if (end === '') break;
  }
  if (tags === 0) throw malformed(name);
  return revisions;
};

const malformed = (name: string): Problem =>
  new Problem(400, `The header ${name} must be * or a list of entity tags such as "5".`);
