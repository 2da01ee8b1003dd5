import type { AnimeId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DocumentStore,
  Guarded,
  InteractionDocument,
} from '../../ports/read-store.js';
import { animeDraft } from '../read-models/anime.js';

/** What stands in the place of a document of which the log knows nothing. */
const EMPTIED = -1;

const PARTS_AT_ONCE = 1_000;

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

/** Empties the parts of earlier generations: users and days of which the stream knows nothing would stay. */
export const emptyPartsBelow = async (
  documents: DocumentStore,
  animeId: AnimeId,
  generation: number,
): Promise<void> => {
  const isBelow = (part: Guarded): boolean => part.generation < generation;
  for await (const parts of chunks(documents.allInteractions(animeId), isBelow)) {
    const interactions = parts.map((part) => emptyInteraction(part, generation));
    await documents.save({ interactions, days: [], animes: [] });
  }
  for await (const parts of chunks(documents.allDays(animeId), isBelow)) {
    const days = parts.map((part) => emptyDay(part, generation));
    await documents.save({ interactions: [], days, animes: [] });
  }
};

/**
 * An anime of which nothing is computed yet, or which the log does not know: in no list, and unknown
 * to whoever asks for it.
 */
export const emptyAnime = (animeId: AnimeId, generation: number): AnimeDocument =>
  animeDraft(null, animeId, generation);

const emptyInteraction = (
  { animeId, userId }: InteractionDocument,
  generation: number,
): InteractionDocument => ({
  ...{ animeId, userId, generation, revision: EMPTIED, clicks: 0, views: 0, seconds: 0 },
  ...{ lastClickAt: null, lastViewAt: null, ratings: [] },
});

const emptyDay = (
  { animeId, day }: DailyActivityDocument,
  generation: number,
): DailyActivityDocument => ({
  ...{ animeId, day, generation, revision: EMPTIED, clicks: 0, views: 0, ratings: 0, seconds: 0 },
});

async function* chunks<Item>(
  items: AsyncIterable<Item>,
  wanted: (item: Item) => boolean,
): AsyncGenerator<readonly Item[]> {
  let chunk: Item[] = [];
  for await (const item of items) {
    if (!wanted(item)) continue;
    chunk.push(item);
    if (chunk.length < PARTS_AT_ONCE) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
