import type { AnimeDocument, ReadStore } from '../../ports/read-store.js';
import { notReady } from './errors.js';
import type { ReadModels, RevisionWaiter } from '../read-your-writes/revision-waiter.js';
import { isAnimeId } from '../../domain/ids.js';
import { minRevisionOf } from './arguments.js';

/** Shared by the resolvers of one request. */
export type QueryContext = {
  readonly requestId: string;
  /** Whether the caller may read the interactions of a user. */
  readonly isReader: boolean;
  /** One version for the whole request, so that a response never mixes two; null before the first. */
  readonly readModels: () => Promise<ReadModels | null>;
};

export interface ActiveReadModelsOptions {
  readonly readStore: Pick<ReadStore, 'active' | 'queries' | 'fingerprint'>;
  /** A promotion takes effect after at most this time; until then requests need no look-up. */
  readonly cacheMs?: number;
}

/** The active version, cached for a moment; concurrent requests share one look-up. */
export const createActiveReadModels = ({ readStore, cacheMs = 100 }: ActiveReadModelsOptions) => {
  let readModels: Promise<ReadModels | null> | undefined;
  let knownUntil = Infinity;

  const load = async () => {
    const active = await readStore.active();
    // The documents of another release may have another shape.
    if (active?.fingerprint !== readStore.fingerprint) return null;
    knownUntil = performance.now() + cacheMs;
    return { version: active.name, queries: readStore.queries(active.name) };
  };

  const forgetUnless = async (loading: Promise<ReadModels | null>) => {
    const known = await loading.catch(() => null);
    if (known === null && readModels === loading) readModels = undefined;
  };

  return (): Promise<ReadModels | null> => {
    if (readModels !== undefined && performance.now() < knownUntil) return readModels;
    knownUntil = Infinity;
    readModels = load();
    void forgetUnless(readModels);
    return readModels;
  };
};

export const createContext = (
  { requestId, isReader }: Pick<QueryContext, 'requestId' | 'isReader'>,
  active: () => Promise<ReadModels | null>,
): QueryContext => {
  let readModels: Promise<ReadModels | null> | undefined;
  return { requestId, isReader, readModels: () => (readModels ??= active()) };
};

/** Rejects with NOT_READY until there is an active version that this release can read. */
export const requireReadModels = async ({ readModels }: QueryContext): Promise<ReadModels> => {
  const active = await readModels();
  if (active === null) throw notReady();
  return active;
};
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
