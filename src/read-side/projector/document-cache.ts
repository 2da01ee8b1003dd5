import { LRUCache } from 'lru-cache';
import type { AnimeId, UserId } from '../../domain/ids.js';
import type {
  AnimeDocument,
  DayKey,
  DocumentStore,
  Guarded,
  InteractionKey,
} from '../../ports/read-store.js';
import type { StreamEvent } from '../../wire/stream-event.js';
import { isCurrent, viewOf, type AnimeView } from './cached-anime.js';
import type { FoldedRun } from './fold.js';
import { dayOf } from '../read-models/daily-activity.js';
import { isInteraction } from '../read-models/interaction.js';

export interface DocumentCacheOptions {
  readonly documents: DocumentStore;
  /** Documents of all kinds together. */
  readonly maxDocuments: number;
  /**
   * Nothing is stored yet, so what was never seen need not be looked for. Holds until something is
   * evicted or dropped.
   */
  readonly startsEmpty: boolean;
}

export interface Run {
  readonly view: AnimeView;
  readonly run: readonly StreamEvent[];
}

/** Documents as they are known to be saved, in front of the store. */
export const createDocumentCache = (options: DocumentCacheOptions) => {
  const { documents, maxDocuments } = options;
  let complete = options.startsEmpty;
  const views = new LRUCache<AnimeId, AnimeView>({
    maxSize: maxDocuments,
    dispose: (_view, _key, reason) => {
      if (reason === 'evict') complete = false;
    },
  });

  const put = (view: AnimeView): AnimeView => {
    const { users, days } = view.lineage;
    if (1 + users.size + days.size > maxDocuments) {
      users.clear();
      days.clear();
      complete = false;
    }
    views.set(view.animeId, view, { size: 1 + users.size + days.size });
    return view;
  };

  /** Looks at the store again, past the cache. */
  const look = async (ids: readonly AnimeId[]): Promise<readonly AnimeView[]> => {
    const stored: readonly AnimeDocument[] = complete ? [] : await documents.animes(ids);
    const found = new Map(stored.map((document) => [document.animeId, document]));
    return ids.map((animeId) => {
      const document = found.get(animeId) ?? null;
      return viewOf(animeId, document?.generation ?? 0, document);
    });
  };

  /** Forgets all of these anime, because what is stored is no longer known. */
  const drop = (ids: Iterable<AnimeId>): void => {
    complete = false;
    for (const id of ids) {
      const view = views.peek(id);
      if (view !== undefined) view.lineage.current = null;
      views.delete(id);
    }
  };

  return {
    look,
    drop,

    /** From here on the anime is seen so. */
    replace(view: AnimeView): void {
      drop([view.animeId]);
      put(view);
    },

    async views(ids: readonly AnimeId[]): Promise<readonly AnimeView[]> {
      // Held here, because taking in those that are missing may evict them.
      const held = new Map(ids.map((id) => [id, views.get(id)]));
      const missing = ids.filter((id) => held.get(id) === undefined);
      const looked = missing.length === 0 ? [] : await look(missing);
      const found = new Map(looked.map((view) => [view.animeId, view]));
      return ids.map(
        (id) => views.get(id) ?? held.get(id) ?? put(found.get(id) ?? viewOf(id, 0, null)),
      );
    },

    /**
     * Brings the parts that runs touch into their views. Answers what was read from the store for
     * it: parts of the generation of their anime or a later one.
     */
    async load(runs: readonly Run[]): Promise<ReadonlyMap<AnimeView, readonly Guarded[]>> {
      const loaded = new Map<AnimeView, Guarded[]>();
      if (complete) return loaded;
      const asked = new Map(runs.map(({ view }) => [view.animeId, view]));
      const { userKeys, dayKeys } = unknownParts(runs);
      const [users, days] = await Promise.all([
        userKeys.length === 0 ? [] : documents.interactions(userKeys),
        dayKeys.length === 0 ? [] : documents.days(dayKeys),
      ]);
      const take = (
        part: Guarded & { readonly animeId: AnimeId },
        into: (view: AnimeView) => void,
      ): void => {
        const view = asked.get(part.animeId);
        if (view === undefined || part.generation < view.generation || !isCurrent(view)) return;
        into(view);
        const parts = loaded.get(view);
        if (parts === undefined) loaded.set(view, [part]);
        else parts.push(part);
      };
      for (const user of users) take(user, ({ lineage }) => lineage.users.set(user.userId, user));
      for (const day of days) take(day, ({ lineage }) => lineage.days.set(day.day, day));
      return loaded;
    },

    /** Remembers what is saved now on top of the view that it was computed from. */
    keep(from: AnimeView, { anime, interactions, days }: FoldedRun): void {
      const cached = views.peek(from.animeId);
      // Moved on by another handler: nobody knows whose parts these are.
      if (!isCurrent(from) || (cached !== undefined && cached !== from)) {
        drop([from.animeId]);
        return;
      }
      const { lineage } = from;
      for (const document of interactions) lineage.users.set(document.userId, document);
      for (const document of days) lineage.days.set(document.day, document);
      lineage.current = { ...from, document: anime };
      put(lineage.current);
    },
  };
};

export type DocumentCache = ReturnType<typeof createDocumentCache>;

const unknownParts = (runs: readonly Run[]) => {
  const userKeys: InteractionKey[] = [];
  const dayKeys: DayKey[] = [];
  for (const { view, run } of runs) {
    const { animeId, lineage } = view;
    const users = new Set<UserId>();
    const days = new Set<string>();
    for (const { decoded } of run) {
      if (decoded.kind !== 'event' || !isInteraction(decoded.event)) continue;
      const { userId } = decoded.event.data;
      const day = dayOf(decoded.event);
      if (!lineage.users.has(userId)) users.add(userId);
      if (!lineage.days.has(day)) days.add(day);
    }
    for (const userId of users) userKeys.push({ animeId, userId });
    for (const day of days) dayKeys.push({ animeId, day });
  }
  return { userKeys, dayKeys };
};
