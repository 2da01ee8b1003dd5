import { LRUCache } from 'lru-cache';
import type { AnimeId, UserId } from '../domain/ids.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DayKey,
  DocumentBatch,
  DocumentStore,
  Guarded,
  InteractionDocument,
  InteractionKey,
} from '../ports/read-store.js';

/**
 * How far one anime is computed, in which generation. Cached parts carry the lineage of the view
 * that they were computed with: parts of an earlier look at the anime never mix with a later one.
 */
export interface AnimeView {
  readonly animeId: AnimeId;
  readonly generation: number;
  readonly document: AnimeDocument | null;
  readonly lineage: symbol;
}

export interface CacheSize {
  readonly animes: number;
  readonly interactions: number;
  readonly days: number;
}

export interface DocumentCacheOptions {
  readonly documents: DocumentStore;
  readonly size?: CacheSize;
  /**
   * Nothing is stored yet, so what was never seen need not be looked for. Holds until something is
   * evicted or dropped.
   */
  readonly startsEmpty?: boolean;
}

interface Part<Document> {
  readonly lineage: symbol;
  readonly document: Document;
}

export interface Parts {
  readonly users: Map<UserId, InteractionDocument>;
  readonly days: Map<string, DailyActivityDocument>;
}

export interface Needs {
  readonly view: AnimeView;
  readonly users: ReadonlySet<UserId>;
  readonly days: ReadonlySet<string>;
}

const DEFAULT_SIZE: CacheSize = { animes: 5_000, interactions: 20_000, days: 10_000 };

/** Documents as they are known to be saved, in front of the store. Bounded. */
export const createDocumentCache = ({
  documents,
  size = DEFAULT_SIZE,
  startsEmpty = false,
}: DocumentCacheOptions) => {
  let complete = startsEmpty;
  const bounded = <K extends object | string | number, V extends object>(max: number) =>
    new LRUCache<K, V>({
      max,
      dispose: (_value, _key, reason) => {
        if (reason === 'evict') complete = false;
      },
    });
  const animes = bounded<AnimeId, AnimeView>(size.animes);
  const users = bounded<string, Part<InteractionDocument>>(size.interactions);
  const days = bounded<string, Part<DailyActivityDocument>>(size.days);

  const replace = (view: AnimeView): AnimeView => {
    animes.set(view.animeId, view);
    return view;
  };

  /** Looks at the store again, past the cache. */
  const look = async (ids: readonly AnimeId[]): Promise<readonly AnimeView[]> => {
    const found = new Map(
      (complete ? [] : await documents.animes(ids)).map((document) => [document.animeId, document]),
    );
    return ids.map((animeId) => {
      const document = found.get(animeId) ?? null;
      return { animeId, generation: document?.generation ?? 0, document, lineage: Symbol() };
    });
  };

  /** Forgets all of these anime, because what is stored is no longer known. */
  const drop = (ids: Iterable<AnimeId>): void => {
    complete = false;
    for (const id of ids) animes.delete(id);
  };

  return {
    look,

    replace,

    async views(ids: readonly AnimeId[]): Promise<ReadonlyMap<AnimeId, AnimeView>> {
      const views = new Map<AnimeId, AnimeView>();
      const missing: AnimeId[] = [];
      for (const id of ids) {
        const view = animes.get(id);
        if (view === undefined) missing.push(id);
        else views.set(id, view);
      }
      if (missing.length > 0) {
        for (const view of await look(missing)) views.set(view.animeId, replace(view));
      }
      return views;
    },

    /** The stored parts that are asked for, of the generation of their anime or a later one. */
    async parts(needs: readonly Needs[]): Promise<ReadonlyMap<AnimeId, Parts>> {
      const found = new Map<AnimeId, Parts>();
      const userKeys: InteractionKey[] = [];
      const dayKeys: DayKey[] = [];
      for (const need of needs) {
        const { animeId } = need.view;
        const parts: Parts = { users: new Map(), days: new Map() };
        found.set(animeId, parts);
        for (const userId of need.users) {
          const part = users.get(keyOf(animeId, userId));
          if (part?.lineage === need.view.lineage) parts.users.set(userId, part.document);
          else userKeys.push({ animeId, userId });
        }
        for (const day of need.days) {
          const part = days.get(keyOf(animeId, day));
          if (part?.lineage === need.view.lineage) parts.days.set(day, part.document);
          else dayKeys.push({ animeId, day });
        }
      }
      if (complete) return found;
      const generations = new Map(needs.map(({ view }) => [view.animeId, view.generation]));
      const current = ({ animeId, generation }: Guarded & { readonly animeId: AnimeId }) =>
        generation >= (generations.get(animeId) ?? 0);
      const [storedUsers, storedDays] = await Promise.all([
        userKeys.length === 0 ? [] : documents.interactions(userKeys),
        dayKeys.length === 0 ? [] : documents.days(dayKeys),
      ]);
      for (const document of storedUsers) {
        if (current(document)) found.get(document.animeId)?.users.set(document.userId, document);
      }
      for (const document of storedDays) {
        if (current(document)) found.get(document.animeId)?.days.set(document.day, document);
      }
      return found;
    },

    /** Remembers what is saved now, each anime on top of the view that it was computed from. */
    keep(batch: DocumentBatch, computedFrom: ReadonlyMap<AnimeId, AnimeView>): void {
      const lineages = new Map<AnimeId, symbol>();
      for (const document of batch.animes) {
        const { animeId } = document;
        const from = computedFrom.get(animeId);
        if (from !== undefined && animes.peek(animeId) === from) {
          replace({ ...from, document });
          lineages.set(animeId, from.lineage);
        } else {
          // Evicted, or another handler has moved the anime on: nobody knows whose parts are cached.
          drop([animeId]);
        }
      }
      for (const document of batch.interactions) {
        const lineage = lineages.get(document.animeId);
        if (lineage) users.set(keyOf(document.animeId, document.userId), { lineage, document });
      }
      for (const document of batch.days) {
        const lineage = lineages.get(document.animeId);
        if (lineage) days.set(keyOf(document.animeId, document.day), { lineage, document });
      }
    },

    drop,
  };
};

export type DocumentCache = ReturnType<typeof createDocumentCache>;

const keyOf = (animeId: AnimeId, part: string): string => `${animeId} ${part}`;
