import type { DocumentStore, Guarded } from '../ports/read-store.js';
import { isBefore, revisionOf, viewOf, type AnimeView } from './anime-view.js';
import { emptyAnime } from './compute-anew.js';
import type { DocumentCache } from './document-cache.js';
import type { Task } from './tasks.js';

/**
 * Parts ahead of their anime are either what a crash left, which is right, or the work of another
 * consumer, which may have trimmed histories beyond the anime as we know it: then the anime has
 * moved on in the store. Parts of a later generation mean that somebody began to compute the
 * anime anew: then so do we, from the stream's beginning.
 */
export const withoutDoubt = async (
  { cache, documents }: { readonly cache: DocumentCache; readonly documents: DocumentStore },
  tasks: readonly Task[],
  loaded: ReadonlyMap<AnimeView, readonly Guarded[]>,
): Promise<readonly Task[]> => {
  const sure: Task[] = [];
  for (const task of tasks) {
    const { view } = task;
    const ahead = newestAhead(view, loaded.get(view) ?? []);
    if (ahead === null) {
      sure.push(task);
      continue;
    }
    const [stored] = await cache.look([view.animeId]);
    if (stored !== undefined && isBefore(view, stored)) cache.replace(stored);
    else if (ahead > view.generation) {
      const empty = emptyAnime(view.animeId, ahead);
      await documents.save({ interactions: [], days: [], animes: [empty] });
      cache.replace(viewOf(view.animeId, ahead, empty));
    } else sure.push(task);
  }
  return sure;
};

/** The newest generation of the parts that are ahead of the anime; null where none is. */
const newestAhead = (view: AnimeView, parts: readonly Guarded[]): number | null => {
  const ahead = parts.filter(
    ({ generation, revision }) => generation > view.generation || revision > revisionOf(view),
  );
  return ahead.length === 0 ? null : Math.max(...ahead.map(({ generation }) => generation));
};
