import type { DocumentBatch } from '../../../ports/read-store.js';
import type { Database, SqlValue } from '../../../embedded-eventstore/sqlite.js';
import { animeRow, dayRow, interactionRow } from './rows.js';
import type { Saved } from './writer-protocol.js';

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

export interface DocumentWriter {
  /** Saves in the transaction that is open. */
  save(batch: DocumentBatch): Saved;
  setFlushed(position: string): void;
}

export const documentWriter = (db: Database): DocumentWriter => {
  const interaction = db.prepare(INTERACTION);
  const day = db.prepare(DAY);
  const anime = db.prepare(ANIME);
  const flushed = db.prepare('INSERT OR REPLACE INTO flushed (id, position) VALUES (1, ?)');

  const isSaved = (statement: typeof anime, row: readonly SqlValue[]): boolean =>
    Number(statement.run(...row).changes) > 0;

  return {
    save: ({ interactions, days, animes }) => {
      let refused = 0;
      const refusedAnimes: number[] = [];
      for (const document of interactions) {
        if (!isSaved(interaction, interactionRow(document))) refused++;
      }
      for (const document of days) {
        if (!isSaved(day, dayRow(document))) refused++;
      }
      for (const [place, document] of animes.entries()) {
        if (!isSaved(anime, animeRow(document))) refusedAnimes.push(place);
      }
      return { refused: refused + refusedAnimes.length, refusedAnimes };
    },
    setFlushed: (position) => void flushed.run(position),
  };
};
