import { isAnimeId } from '../domain/ids.js';
import type { AnimeDocument, ReadQueries } from '../ports/read-store.js';
import { minRevisionOf, pageSizeOf } from './arguments.js';
import { requireReadModels, type QueryContext } from './context.js';
import type { RevisionWaiter } from './revision-waiter.js';
import { toAnime, toAnimeWithStats, toDistribution, toStats } from './views.js';

interface NamedAnime {
  readonly animeId: number;
  readonly minRevision?: string | null;
}

interface BasedOn {
  readonly basedOnAnimeId: number;
  readonly limit: number | null;
  readonly minRevision?: string | null;
}

/** The queries that name an anime: they can wait for what their caller wrote. */
export const createAnimeResolvers = (waiter: RevisionWaiter) => {
  /** Null when unknown. An id that no anime can have is unknown, like any other. */
  const documentOf = async (
    { animeId, minRevision }: NamedAnime,
    context: QueryContext,
  ): Promise<AnimeDocument | null> => {
    const revision = minRevisionOf(minRevision);
    if (!isAnimeId(animeId)) return null;
    const readModels = await requireReadModels(context);
    if (revision === undefined) return known(await readModels.queries.anime(animeId));
    return waiter.read(readModels, animeId, revision);
  };

  const viewOf =
    <View>(toView: (document: AnimeDocument) => View) =>
    async (_: unknown, args: NamedAnime, context: QueryContext): Promise<View | null> => {
      const document = await documentOf(args, context);
      return document === null ? null : toView(document);
    };

  return {
    animeStats: viewOf(toStats),
    anime: viewOf(toAnime),
    ratingDistribution: viewOf(toDistribution),

    recommendedAnimes: async (_: unknown, args: BasedOn, context: QueryContext) => {
      const limit = pageSizeOf('limit', args.limit, 10);
      const revision = minRevisionOf(args.minRevision);
      const basedOn = args.basedOnAnimeId;
      const readModels = await requireReadModels(context);
      if (!isAnimeId(basedOn)) return bestScores(readModels.queries, limit);
      if (revision !== undefined) await waiter.read(readModels, basedOn, revision);
      return (await readModels.queries.recommended(basedOn, limit)).map(toAnimeWithStats);
    },
  };
};

/** A document without an event stands for an anime that the log does not know. */
const known = (document: AnimeDocument | null): AnimeDocument | null =>
  document === null || document.revision < 0 ? null : document;

/** What is recommended for a title of unknown genres: here, one that no anime can be. */
const bestScores = async (queries: ReadQueries, limit: number) => {
  const { items } = await queries.search({ sortBy: 'score', offset: 0, limit });
  return items.map(toAnimeWithStats);
};
