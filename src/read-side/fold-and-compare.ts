import { isDeepStrictEqual } from 'node:util';
import type { AnimeId } from '../domain/ids.js';
import { ANIME_STREAM_PREFIX, animeIdOf } from '../domain/stream-name.js';
import type { EventStore } from '../ports/event-store.js';
import type { DocumentStore } from '../ports/read-store.js';
import { compareAnime, type Check, type Difference } from './compare-anime.js';

export interface Comparison {
  readonly animes: number;
  readonly documents: number;
  readonly events: number;
  /** At most `maxDifferences`; `differing` counts all. */
  readonly differences: readonly Difference[];
  readonly differing: number;
  /** Anime whose documents have not come as far as their streams: not wrong, only late. */
  readonly behind: readonly { readonly animeId: AnimeId; readonly by: number }[];
  /** Every document equals the fold, and none is late. */
  readonly equal: boolean;
}

export interface CompareOptions {
  readonly eventStore: EventStore;
  readonly documents: DocumentStore;
  readonly maxDifferences?: number;
  readonly signal?: AbortSignal;
}

/**
 * Compares every document with a fold of its anime's stream, event by event, each at the document's
 * own revision: documents may go on changing meanwhile.
 */
export const compareWithLog = async ({
  eventStore,
  documents,
  maxDifferences = 100,
  signal = new AbortController().signal,
}: CompareOptions): Promise<Comparison> => {
  const heads = await headsOf(eventStore, signal);
  const differences: Difference[] = [];
  const behind: { animeId: AnimeId; by: number }[] = [];
  let [animes, compared, events, differing] = [0, 0, 0, 0];

  const check: Check = (found) => {
    compared += 1;
    if (isDeepStrictEqual(found.expected, found.actual)) return;
    differing += 1;
    if (differences.length < maxDifferences) differences.push(found);
  };

  for await (const anime of documents.allAnimes()) {
    signal.throwIfAborted();
    animes += 1;
    const late = (heads.get(anime.animeId) ?? -1) - anime.revision;
    heads.delete(anime.animeId);
    if (late > 0) behind.push({ animeId: anime.animeId, by: late });
    events += await compareAnime(eventStore, documents, anime, check);
  }
  for (const [animeId, head] of heads) behind.push({ animeId, by: head + 1 });
  const equal = differing === 0 && behind.length === 0;
  return { animes, documents: compared, events, differences, differing, behind, equal };
};

/** The last revision of every anime's stream, of all that the log held when it was read. */
const headsOf = async (eventStore: EventStore, signal: AbortSignal) => {
  const heads = new Map<AnimeId, number>();
  const options = { after: 'start', streamPrefix: ANIME_STREAM_PREFIX, signal } as const;
  for await (const delivery of eventStore.subscribeToAll(options)) {
    if (delivery.kind === 'caught-up') break;
    if (delivery.kind !== 'event') continue;
    const animeId = animeIdOf(delivery.event.stream);
    if (animeId !== undefined) heads.set(animeId, Number(delivery.event.revision));
  }
  return heads;
};
