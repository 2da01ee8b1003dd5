import type { AnimeId } from '../domain/ids.js';
import { streamOf } from '../domain/stream-name.js';
import type { StreamTrouble } from '../platform/health.js';
import type { AnimeDocument, DocumentStore } from '../ports/read-store.js';

/** The anime whose documents leave out events that cannot be read and are not ignored. */
export interface Unread {
  note(document: AnimeDocument): void;
  /** Of what was saved before this process began. */
  noteStored(documents: DocumentStore, signal: AbortSignal): Promise<void>;
  count(): number;
  all(): readonly StreamTrouble[];
}

export const createUnread = (): Unread => {
  const skipped = new Map<AnimeId, readonly number[]>();
  const note = (document: AnimeDocument): void => {
    if (document.skipped.length > 0) skipped.set(document.animeId, document.skipped);
    else skipped.delete(document.animeId);
  };
  return {
    note,
    noteStored: async (documents, signal) => {
      for await (const document of documents.allAnimes()) {
        signal.throwIfAborted();
        note(document);
      }
    },
    count: () => skipped.size,
    all: () => [...skipped].map(([animeId, revisions]) => troubleOf(streamOf(animeId), revisions)),
  };
};

const troubleOf = (stream: string, [first, ...more]: readonly number[]): StreamTrouble => ({
  stream,
  detail: `Event ${first} of ${stream} cannot be read and is not counted${
    more.length === 0 ? '' : `, nor are ${more.length} more`
  }.`,
  remedy: 'What to do about each event: anime-analytics dead-letters list',
});
