import { isAnimeId } from '../../domain/ids.js';
import type { AnimeDocument } from '../../ports/read-store.js';
import type { RevisionWaiter } from '../read-your-writes/revision-waiter.js';
import { minRevisionOf } from './arguments.js';
import { type QueryContext, requireReadModels } from './context.js';

/** The arguments of a query that names an anime. */
export interface NamedAnime {
  readonly animeId: number;
  readonly minRevision?: string | null;
}

/** Finds an anime's document, at least at `minRevision` where that is given. */
export const createFindAnime =
  (waiter: RevisionWaiter) =>
  /** Null if the anime is unknown, also for ids that no anime can have. */
  async (
    { animeId, minRevision }: NamedAnime,
    context: QueryContext,
  ): Promise<AnimeDocument | null> => {
    const revision = minRevisionOf(minRevision);
    if (!isAnimeId(animeId)) return null;
    const readModels = await requireReadModels(context);
    if (revision === undefined) return knownOrNull(await readModels.queries.anime(animeId));
    return waiter.read(readModels, animeId, revision);
  };

/** A document without events is an anime that is not in the log. */
export const knownOrNull = (document: AnimeDocument | null): AnimeDocument | null =>
  document === null || document.revision < 0 ? null : document;
