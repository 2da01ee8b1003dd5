import type { AnimeId } from '../../domain/ids.js';
import type { EventStore } from '../../ports/event-store.js';
import type { DocumentStore } from '../../ports/read-store.js';
import { cachedAnimeOf } from '../projector/cached-anime.js';
import { emptyPartsBelow, nextGeneration, PARTS_PER_SAVE } from './recompute.js';
import { foldRun, type FoldedRun } from '../projector/fold.js';
import { readMissing } from '../projector/gap-fill.js';

export interface ReplayOptions {
  readonly eventStore: EventStore;
  readonly documents: DocumentStore;
  readonly logId: string;
  readonly animeId: AnimeId;
}

export type Replayed =
  | { readonly kind: 'replayed'; readonly revision: number; readonly skipped: readonly number[] }
  /** The stream cannot be read from its beginning any more, or is not there. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** Somebody else computed it further, or in a later generation, meanwhile. */
  | { readonly kind: 'overtaken' };

const WHOLE_STREAM = Number.MAX_SAFE_INTEGER;

/**
 * Recomputes one anime from the beginning of its stream, in the next generation, which replaces
 * everything that is stored of it. The whole stream is held in memory. The anime document is saved
 * last: until then queries see the old one.
 */
export const replayAnime = async (options: ReplayOptions): Promise<Replayed> => {
  const { eventStore, documents, logId, animeId } = options;
  const [stored] = await documents.animes([animeId]);
  const stream = await readMissing(
    eventStore,
    logId,
    animeId,
    { from: 0, to: WHOLE_STREAM - 1 },
    WHOLE_STREAM,
  );
  if (stream.kind === 'lost') return stream;
  if (stream.kind === 'behind') return { kind: 'lost', reason: 'The stream is empty.' };
  const generation = await nextGeneration(documents, animeId, stored?.generation ?? 0);
  const folded = foldRun(cachedAnimeOf(animeId, generation, null), stream.events);
  const { anime } = folded;
  for (const batch of partsOf(folded)) await documents.save({ ...batch, animes: [] });
  const { refused } = await documents.save({ interactions: [], days: [], animes: [anime] });
  if (refused > 0) return { kind: 'overtaken' };
  await emptyPartsBelow(documents, animeId, generation);
  return { kind: 'replayed', revision: anime.revision, skipped: anime.skipped };
};

const partsOf = ({ interactions, days }: FoldedRun) =>
  Array.from(
    { length: Math.ceil(Math.max(interactions.length, days.length) / PARTS_PER_SAVE) },
    (_, index) => {
      const slice = [index * PARTS_PER_SAVE, (index + 1) * PARTS_PER_SAVE] as const;
      return { interactions: interactions.slice(...slice), days: days.slice(...slice) };
    },
  );
