import type { DocumentBatch } from '../../../ports/read-store.js';
import { connection } from './file.js';
import { documentReads, type DocumentReads } from './document-reads.js';
import { queriesOn, type Queries } from './queries.js';
import { VERSION_FILE } from './schema.js';

/** A version whose file the writer holds open, as read from this thread. */
export interface OpenVersion {
  readonly path: string;
  readonly reads: DocumentReads;
  readonly queries: Queries;
  /** Nobody but this process reads it, so a heartbeat need not outlive the process. */
  fedAt: Date | null;
  /** What was saved, so that what is remembered of before is forgotten. */
  noteSaved(batch: DocumentBatch): void;
  close(): void;
}

export const openVersion = (path: string): OpenVersion => {
  const db = connection(path, VERSION_FILE);
  const queries = queriesOn(db);
  return {
    path,
    reads: documentReads(db),
    queries,
    fedAt: null,
    noteSaved: ({ days }) => queries.noteSaved(days.map(({ animeId }) => animeId)),
    close: () => db.close(),
  };
};

/** Throws where the store is closed or the version is gone. */
export type FindVersion = () => OpenVersion;

/** What is done at once, as a promise that rejects with what it throws. */
export const attempt = <T>(work: () => T): Promise<T> =>
  new Promise((resolve) => {
    resolve(work());
  });
