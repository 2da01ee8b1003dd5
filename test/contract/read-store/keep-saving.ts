import type { DocumentBatch, ReadStore } from '../../../src/ports/read-store.js';
import { animeId, userId } from '../../support/examples.js';
import { aDay, anAnimeDocument, anInteraction } from '../../support/read-store.js';

const ANIMES = [1, 2, 3].map(animeId);
export const USERS = Array.from({ length: 300 }, (_, n) => userId(`user-${n}`));
const DAYS = ['2026-11-23', '2026-11-24'];

/** All documents of a round have the same revision, so a torn round is visible. */
const round = (revision: number): DocumentBatch => ({
  interactions: ANIMES.flatMap((id) =>
    USERS.map((user) => anInteraction({ animeId: id, userId: user, revision, clicks: revision })),
  ),
  days: ANIMES.flatMap((id) =>
    DAYS.map((day) => aDay({ animeId: id, day, revision, clicks: revision })),
  ),
  animes: ANIMES.map((id) => anAnimeDocument({ animeId: id, revision, clicks: revision })),
});

/**
 * Saves endless rounds into the active version, each followed by its position. A round is always in
 * flight, so that a kill hits one.
 */
export const keepSaving = async (store: ReadStore, saved: (revision: number) => void) => {
  const { name } = await store.createVersion('v1', 'log-1');
  const documents = store.documents(name);
  const save = async (revision: number): Promise<void> => {
    await documents.save(round(revision));
    const position = BigInt(revision);
    await documents.setFlushed({ commit: position, prepare: position });
    saved(revision);
  };
  let before = save(1);
  for (let revision = 2; ; revision++) {
    const current = save(revision);
    await before;
    before = current;
  }
};
