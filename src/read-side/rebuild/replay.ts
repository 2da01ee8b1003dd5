import type { AnimeId } from '../../domain/ids.js';
import { chunksOf } from '../../platform/async/pages.js';
import type { EventStore } from '../../ports/event-store.js';
import type { AnimeDocument, DocumentStore, Guarded } from '../../ports/read-store.js';
import { cachedAnimeOf, type FoldedRun, foldRun } from '../projector/fold.js';
import { readMissing } from '../projector/classify.js';
import { animeDraft } from '../read-models/anime.js';
import { emptyDay } from '../read-models/daily-activity.js';
import { emptyInteraction } from '../read-models/interaction.js';

export interface ReplayOptions {
  readonly eventStore: EventStore;
  readonly documents: DocumentStore;
  readonly logId: string;
  readonly animeId: AnimeId;
}

export type Replayed =
  | { readonly kind: 'replayed'; readonly revision: number; readonly skipped: readonly number[] }
  /** The stream was deleted or truncated, or does not exist. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** Another process has meanwhile saved a later revision or generation. */
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
  const whole = { from: 0, to: WHOLE_STREAM };
  const stream = await readMissing(eventStore, logId, animeId, whole, WHOLE_STREAM);
  if (stream.kind === 'lost') return stream;
  if (stream.kind === 'behind') return { kind: 'lost', reason: 'The stream is empty.' };
  const generation = await nextGeneration(documents, animeId, stored?.generation ?? 0);
  const folded = foldRun(cachedAnimeOf(animeId, generation, null), stream.events);
  const { anime } = folded;
  for (const batch of savesOf(folded)) await documents.save({ ...batch, animes: [] });
  const { refused } = await documents.save({ interactions: [], days: [], animes: [anime] });
  if (refused > 0) return { kind: 'overtaken' };
  await emptyPartsBelow(documents, animeId, generation);
  return { kind: 'replayed', revision: anime.revision, skipped: anime.skipped };
};

const savesOf = ({ interactions, days }: FoldedRun) =>
  Array.from(
    { length: Math.ceil(Math.max(interactions.length, days.length) / PARTS_PER_SAVE) },
    (_, index) => {
      const slice = [index * PARTS_PER_SAVE, (index + 1) * PARTS_PER_SAVE] as const;
      return { interactions: interactions.slice(...slice), days: days.slice(...slice) };
    },
  );

/** Bounds the memory and the transaction of one save. */
const PARTS_PER_SAVE = 1_000;

/** A generation above those of all stored documents of an anime. */
export const nextGeneration = async (
  documents: DocumentStore,
  animeId: AnimeId,
  present: number,
): Promise<number> => {
  let newest = present;
  const note = ({ generation }: Guarded): void => void (newest = Math.max(newest, generation));
  for await (const part of documents.allInteractions(animeId)) note(part);
  for await (const part of documents.allDays(animeId)) note(part);
  return newest + 1;
};

/** Empties parts of earlier generations, whose users and days may not be in the stream. */
export const emptyPartsBelow = async (
  documents: DocumentStore,
  animeId: AnimeId,
  generation: number,
): Promise<void> => {
  const isBelow = (part: Guarded): boolean => part.generation < generation;
  for await (const parts of chunksOf(documents.allInteractions(animeId), PARTS_PER_SAVE)) {
    const interactions = parts.filter(isBelow).map((part) => emptyInteraction(part, generation));
    if (interactions.length > 0) await documents.save({ interactions, days: [], animes: [] });
  }
  for await (const parts of chunksOf(documents.allDays(animeId), PARTS_PER_SAVE)) {
    const days = parts.filter(isBelow).map((part) => emptyDay(part, generation));
    if (days.length > 0) await documents.save({ interactions: [], days, animes: [] });
  }
};

/** An anime without events: it is in no list, and queries by id return null. */
export const emptyAnime = (animeId: AnimeId, generation: number): AnimeDocument =>
  animeDraft(null, animeId, generation);
