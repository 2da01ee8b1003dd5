import type { DocumentBatch } from '../../../ports/read-store.js';
import type { Database, SqlValue } from '../sqlite.js';
import { animeRow, dayRow, interactionRow } from './rows.js';

/** Leaves alone what is not older, decided in the statement that replaces it. */
const upsert = (table: string, key: readonly string[], values: readonly string[]): string => `
  INSERT INTO ${table} (${[...key, ...values].join(', ')})
  VALUES (${[...key, ...values].map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET ${values.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE (excluded.generation, excluded.revision) > (generation, revision)`;

const INTERACTION = upsert(
  'interactions',
  ['anime_id', 'user_id'],
  'generation revision clicks views seconds last_click last_view ratings'.split(' '),
);

const DAY = upsert(
  'days',
  ['anime_id', 'day'],
  'generation revision clicks views ratings seconds total'.split(' '),
);

const ANIME = upsert(
  'animes',
  ['anime_id'],
  'generation revision views average rating_count facets document'.split(' '),
);

export interface VersionWriter {
  /** Saves in the transaction that is open, and answers how many documents were left alone. */
  save(batch: DocumentBatch): number;
  setFlushed(position: string): void;
}

export const versionWriter = (db: Database): VersionWriter => {
  const interaction = db.prepare(INTERACTION);
  const day = db.prepare(DAY);
  const anime = db.prepare(ANIME);
  const flushed = db.prepare('INSERT OR REPLACE INTO flushed (id, position) VALUES (1, ?)');

  const saved = (statement: typeof anime, row: readonly SqlValue[]): number =>
    Number(statement.run(...row).changes);

  return {
    save: ({ interactions, days, animes }) => {
      let changed = 0;
      for (const document of interactions) changed += saved(interaction, interactionRow(document));
      for (const document of days) changed += saved(day, dayRow(document));
      for (const document of animes) changed += saved(anime, animeRow(document));
      return interactions.length + days.length + animes.length - changed;
    },
    setFlushed: (position) => void flushed.run(position),
  };
};
