import { isAnimeId } from '../../src/domain/ids.js';
import type { Position } from '../../src/ports/event-store.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DayKey,
  DocumentStore,
  Guarded,
  InteractionDocument,
  InteractionKey,
} from '../../src/ports/read-store.js';

/** The document store's rules and nothing else: what the projector's properties are tried on. */
export const inMemoryDocuments = (): DocumentStore => {
  const animes = table<AnimeDocument, Pick<AnimeDocument, 'animeId'>>(
    ({ animeId }) => `${animeId}`,
  );
  const interactions = table<InteractionDocument, InteractionKey>(
    ({ animeId, userId }) => `${animeId} ${userId}`,
  );
  const days = table<DailyActivityDocument, DayKey>(({ animeId, day }) => `${animeId} ${day}`);
  let flushed: Position | null = null;
  let fedAt: Date | null = null;

  return {
    animes: (ids) => Promise.resolve(animes.get(ids.map((animeId) => ({ animeId })))),
    interactions: (keys) => Promise.resolve(interactions.get(keys)),
    days: (keys) => Promise.resolve(days.get(keys)),
    save: (batch) =>
      Promise.resolve({
        refused:
          interactions.save(batch.interactions) + days.save(batch.days) + animes.save(batch.animes),
      }),
    flushed: () => Promise.resolve(flushed),
    setFlushed: (position) => {
      flushed = position;
      return Promise.resolve();
    },
    noteFed: (at) => {
      fedAt = at;
      return Promise.resolve();
    },
    fedAt: () => Promise.resolve(fedAt),
    allAnimes: () => animes.all(),
    allInteractions: (id) => interactions.all(({ animeId }) => animeId === id),
    allDays: (id) => days.all(({ animeId }) => animeId === id),
  };
};

const table = <Document extends Guarded & Key, Key extends Pick<AnimeDocument, 'animeId'>>(
  textOf: (key: Key) => string,
) => {
  const documents = new Map<string, Document>();
  /** No store writes or looks for what is of no anime. */
  const keyOf = (key: Key): string => {
    if (!isAnimeId(key.animeId)) throw new TypeError(`Of no anime: ${JSON.stringify(key)}`);
    return textOf(key);
  };
  return {
    get: (keys: readonly Key[]) => keys.flatMap((key) => documents.get(keyOf(key)) ?? []),
    save(saved: readonly Document[]): number {
      let refused = 0;
      for (const document of saved) {
        const stored = documents.get(keyOf(document));
        if (stored === undefined || isHigher(document, stored)) {
          documents.set(keyOf(document), structuredClone(document));
        } else refused += 1;
      }
      return refused;
    },
    async *all(matches: (document: Document) => boolean = () => true) {
      await Promise.resolve();
      const found = [...documents].filter(([, document]) => matches(document));
      for (const [, document] of found.toSorted(([a], [b]) => (a < b ? -1 : 1))) yield document;
    },
  };
};

const isHigher = (a: Guarded, b: Guarded): boolean =>
  a.generation > b.generation || (a.generation === b.generation && a.revision > b.revision);
