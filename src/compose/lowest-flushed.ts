import type { FlushedPosition } from '../bridge/resume-position.js';
import type { Position } from '../ports/event-store.js';
import type { DocumentStore } from '../ports/read-store.js';

/**
 * The bus keeps nothing, so the log is followed from where the version furthest behind is; from its
 * beginning where one version has nothing yet.
 */
export const lowestFlushed = (
  stores: () => readonly Pick<DocumentStore, 'flushed' | 'setFlushed'>[],
): FlushedPosition => ({
  load: async () => {
    const flushed = await Promise.all(stores().map((store) => store.flushed()));
    return flushed.reduce(lower);
  },
  save: async (position) => {
    await Promise.all(stores().map((store) => store.setFlushed(position)));
  },
});

const lower = (a: Position | null, b: Position | null): Position | null =>
  a === null || b === null ? null : a.commit < b.commit ? a : b;
