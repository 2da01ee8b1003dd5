import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type AnimeId, streamOf } from '../../domain/ids.js';
import type { EventStore } from '../../ports/event-store.js';
import type { AnimeDocument, DocumentStore } from '../../ports/read-store.js';
import { compareAnime, type OnCompared, type Difference } from './compare-anime.js';
import { presenceOf } from '../../wire/presence.js';
import { headsOf, hasWholeStream, type Late } from './heads.js';

export interface Comparison {
  readonly animes: number;
  readonly documents: number;
  readonly events: number;
  /** At most `maxDifferences`; `differing` counts all. */
  readonly differences: readonly Difference[];
  readonly differing: number;
  /** Anime whose documents are behind their streams: not wrong, only late. */
  readonly behind: readonly Late[];
  /** Anime whose documents have events that are not in the log: it was restored, or lost its end. */
  readonly ahead: readonly AnimeId[];
  /** Anime whose streams were deleted or truncated: their documents cannot be computed. */
  readonly incomparable: readonly AnimeId[];
  /** Every comparable document equals the fold, and none is late. */
  readonly equal: boolean;
}

export interface CompareOptions {
  readonly eventStore: EventStore;
  readonly documents: DocumentStore;
  readonly maxDifferences?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly animes: number; readonly total: number }) => void;
}

/**
 * Compares every document with a fold of its anime's stream at the document's own revision, so that
 * documents may change meanwhile.
 */
export const compareWithLog = async ({
  eventStore,
  documents,
  maxDifferences = 100,
  signal = new AbortController().signal,
  onProgress,
}: CompareOptions): Promise<Comparison> => {
  const heads = await headsOf(eventStore, signal);
  const total = heads.size;
  const differences: Difference[] = [];
  const behind: Late[] = [];
  const ahead: AnimeId[] = [];
  const incomparable: AnimeId[] = [];
  let [animes, compared, events, differing] = [0, 0, 0, 0];

  const check: OnCompared = (found) => {
    compared += 1;
    if (isDeepStrictEqual(found.expected, found.actual)) return;
    differing += 1;
    if (differences.length < maxDifferences) differences.push(found);
  };

  for await (const anime of documents.allAnimes()) {
    // Embedded reads are synchronous, and commands must not wait for all of them.
    await nextTurn();
    signal.throwIfAborted();
    onProgress?.({ animes, total });
    animes += 1;
    const head = heads.get(anime.animeId) ?? -1;
    heads.delete(anime.animeId);
    if (anime.revision < 0 && head < 0) continue;
    if (await isAhead(eventStore, anime)) ahead.push(anime.animeId);
    else if (!(await hasWholeStream(eventStore, anime.animeId))) {
      incomparable.push(anime.animeId);
      continue;
    }
    const by = head - anime.revision;
    if (by > 0) behind.push({ animeId: anime.animeId, head, by });
    events += await compareAnime(eventStore, documents, anime, check);
  }
  for (const [animeId, head] of heads) {
    if (await hasWholeStream(eventStore, animeId)) behind.push({ animeId, head, by: head + 1 });
    else incomparable.push(animeId);
  }
  const equal = differing === 0 && behind.length === 0;
  const counted = { animes, documents: compared, events, differing };
  return { ...counted, differences, behind, ahead, incomparable, equal };
};

const isAhead = async (
  eventStore: EventStore,
  { animeId, revision, lastEventId: id }: AnimeDocument,
): Promise<boolean> => {
  if (revision < 0) return false;
  const { kind } = await presenceOf(eventStore, { stream: streamOf(animeId), revision, id });
  return kind === 'lost';
};
