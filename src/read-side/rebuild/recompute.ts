import type { AnimeId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DocumentStore,
  Guarded,
  InteractionDocument,
} from '../../ports/read-store.js';
import { chunksOf } from '../../platform/async/pages.js';
import { animeDraft } from '../read-models/anime.js';

/** The revision of a document that stands for a user or day that the log does not know. */
const EMPTIED = -1;

/** Bounds the memory and the transaction of one save. */
export const PARTS_PER_SAVE = 1_000;

/** A generation above that of everything stored of an anime. */
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

/** Empties parts of earlier generations: else users and days that are not in the stream would stay. */
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

/** An anime that is not computed yet, or not in the log: in no list, and null to queries that name it. */
export const emptyAnime = (animeId: AnimeId, generation: number): AnimeDocument =>
  animeDraft(null, animeId, generation);

const emptyInteraction = (
  { animeId, userId }: InteractionDocument,
  generation: number,
): InteractionDocument => ({
  animeId,
  userId,
  generation,
  revision: EMPTIED,
  clicks: 0,
  views: 0,
  seconds: 0,
  lastClickAt: null,
  lastViewAt: null,
  ratings: [],
});

const emptyDay = (
  { animeId, day }: DailyActivityDocument,
  generation: number,
): DailyActivityDocument => ({
  animeId,
  day,
  generation,
  revision: EMPTIED,
  clicks: 0,
  views: 0,
  ratings: 0,
  seconds: 0,
});
