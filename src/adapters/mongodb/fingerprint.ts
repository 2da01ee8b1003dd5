import { createHash } from 'node:crypto';
import { BSON } from 'mongodb';
import type { DocumentBatch } from '../../ports/read-store.js';
import { storedAnime, storedDay, storedInteraction } from './stored-documents.js';
import { INDEXES } from './version-collections.js';

/** Whatever changes a stored field, its type or an index changes it: search texts too. */
export const fingerprintOf = (
  { interactions, days, animes }: DocumentBatch,
  indexes: unknown = INDEXES,
): string => {
  const hash = createHash('sha256').update(JSON.stringify(indexes));
  const stored = [
    ...interactions.map((each) => storedInteraction(each, 0)),
    ...days.map((each) => storedDay(each, 0)),
    ...animes.map((each) => storedAnime(each, 0)),
  ];
  for (const each of stored) hash.update(BSON.serialize(each));
  return hash.digest('hex').slice(0, 12);
};
