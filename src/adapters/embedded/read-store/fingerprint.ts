import { createHash } from 'node:crypto';
import type { DocumentBatch } from '../../../ports/read-store.js';
import { animeRow, dayRow, interactionRow } from './rows.js';
import { INDEX_BY_USER, VERSION_FILE } from './schema.js';

/** Whatever changes a row or a table changes it: search texts and triggers too. */
export const fingerprintOf = (
  { interactions, days, animes }: DocumentBatch,
  schema: string = VERSION_FILE.schema + INDEX_BY_USER,
): string => {
  const rows = [interactions.map(interactionRow), days.map(dayRow), animes.map(animeRow)];
  const tables = schema.replaceAll(/\s+/g, ' ');
  return createHash('sha256')
    .update(JSON.stringify([tables, rows]))
    .digest('hex')
    .slice(0, 12);
};
