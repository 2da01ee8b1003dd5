import { pages } from '../../../platform/async/pages.js';
import type { Position } from '../../../ports/event-store.js';
import type { AnimeDocument, DocumentStore } from '../../../ports/read-store.js';
import { attempt, type FindVersion } from './open-version.js';
import type { Writer } from './writer.js';

/** The documents of a version: read at once on this thread, written by the writer's. */
export const documentStore = (
  find: FindVersion,
  writer: Writer,
  saved: (animes: readonly AnimeDocument[]) => void,
): DocumentStore => ({
  animes: (ids) => attempt(() => find().reads.animes(ids)),
  interactions: (keys) => attempt(() => find().reads.interactions(keys)),
  days: (keys) => attempt(() => find().reads.days(keys)),

  save: async (batch) => {
    const version = find();
    const { refused, refusedAnimes } = await writer.order(version.path, { kind: 'save', batch });
    version.noteSaved(batch);
    const animes = batch.animes.filter((_, place) => !refusedAnimes.includes(place));
    if (animes.length > 0) saved(animes);
    return { refused };
  },

  flushed: () =>
    attempt(() => {
      const text = find().reads.flushed();
      return text === undefined ? null : positionOf(text);
    }),

  setFlushed: async (position) => {
    await writer.order(find().path, { kind: 'flushed', position: textOfPosition(position) });
  },

  noteFed: (at) => attempt(() => void (find().fedAt = at)),
  fedAt: () => attempt(() => find().fedAt),

  allAnimes: () =>
    pages(
      (after: number | null, limit) => attempt(() => find().reads.animesAfter(after, limit)),
      ({ animeId }) => animeId,
    ),

  allInteractions: (id) =>
    pages(
      (after: string | null, limit) =>
        attempt(() => find().reads.interactionsAfter(id, after, limit)),
      ({ userId }) => userId,
    ),

  allDays: (id) =>
    pages(
      (after: string | null, limit) => attempt(() => find().reads.daysAfter(id, after, limit)),
      ({ day }) => day,
    ),
});

/** A position as text: both halves have 64 bits, more than a number holds. */
const textOfPosition = ({ commit, prepare }: Position): string => `${commit}/${prepare}`;

const positionOf = (text: string): Position => {
  const [commit = '', prepare = ''] = text.split('/');
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
};
