import { type AnimeId, isAnimeId, type UserId } from '../../domain/ids.js';
import { laterOf } from '../../domain/rules.js';
import type {
  AnimeDocument,
  InteractionDocument,
  ReadQueries,
  UserInteractions,
} from '../../ports/read-store.js';
import type { DocumentUsers } from '../../ports/user-protection.js';
import type { RevisionWaiter } from '../read-your-writes/revision-waiter.js';
import { createFindAnime, type NamedAnime } from './context.js';
import {
  afterOf,
  type AnimeFiltersInput,
  daysArgument,
  encodeCursor,
  filtersOf,
  minRevisionOf,
  pageOf,
  pageSizeOf,
  sinceDay,
  userIdOf,
} from './arguments.js';
import { type QueryContext, requireReadModels } from './context.js';
import { unauthenticated } from './errors.js';

interface BasedOn {
  readonly basedOnAnimeId: number;
  readonly limit: number | null;
  readonly minRevision?: string | null;
}

/** The queries that name an anime and so can read their caller's writes. */
export const createAnimeResolvers = (waiter: RevisionWaiter) => {
  const documentOf = createFindAnime(waiter);

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

/** The recommendations for an anime without genres. */
const bestScores = async (queries: ReadQueries, limit: number) => {
  const { items } = await queries.search({ sortBy: 'score', offset: 0, limit });
  return items.map(toAnimeWithStats);
};

const MIN_RATINGS = 5;

interface Limited {
  readonly limit: number | null;
}

interface TrendingArguments extends Limited {
  readonly days: number | null;
}

interface SearchArguments {
  readonly page: number | null;
  readonly pageSize: number | null;
  readonly filters?: AnimeFiltersInput | null;
}

interface OfUser {
  readonly userId: string;
  readonly first: number | null;
  readonly after?: string | null;
}

export const createListResolvers = ({
  now,
  usersOf,
}: {
  readonly now: () => Date;
  readonly usersOf: DocumentUsers;
}) => ({
  topAnimesByViews: async (_: unknown, args: Limited, context: QueryContext) => {
    const limit = pageSizeOf('limit', args.limit, 10);
    const { queries } = await requireReadModels(context);
    return (await queries.topByViews(limit)).map(toStats);
  },

  topAnimesByRating: async (_: unknown, args: Limited, context: QueryContext) => {
    const limit = pageSizeOf('limit', args.limit, 10);
    const { queries } = await requireReadModels(context);
    return (await queries.topByRating(limit, MIN_RATINGS)).map(toStats);
  },

  trendingAnimes: async (_: unknown, args: TrendingArguments, context: QueryContext) => {
    const limit = pageSizeOf('limit', args.limit, 10);
    const since = sinceDay(now(), daysArgument(args.days));
    const { queries } = await requireReadModels(context);
    return (await queries.trending(since, limit)).map(toAnimeWithStats);
  },

  searchAnimes: async (_: unknown, args: SearchArguments, context: QueryContext) => {
    const page = pageOf(args.page);
    const pageSize = pageSizeOf('pageSize', args.pageSize, 20);
    const offset = (page - 1) * pageSize;
    const filters = filtersOf(args.filters);
    const { queries } = await requireReadModels(context);
    const { items, total } = await queries.search({ ...filters, offset, limit: pageSize });
    const hasMore = offset + items.length < total;
    return { items: items.map(toAnimeWithStats), total, page, pageSize, hasMore };
  },

  genres: async (_: unknown, _args: unknown, context: QueryContext) => {
    const { queries } = await requireReadModels(context);
    return queries.genres();
  },

  userInteractions: async (_: unknown, args: OfUser, context: QueryContext) => {
    if (!context.isReader) throw unauthenticated();
    const userId = userIdOf(args.userId);
    const first = pageSizeOf('first', args.first, 20);
    const after = afterOf(args.after);
    const { queries } = await requireReadModels(context);
    const users = await usersOf(userId);
    const page = await interactionsOfUsers(queries, users, first, after);
    return toInteractionConnection(page, userId, after === null);
  },
});

/**
 * Documents in the shape of the schema, as plain values: the executor reads properties and calls no
 * resolver per field. An `id` begins with its type, because some client caches use the id alone as
 * their key.
 */

/** A single division of whole numbers keeps the mean as exact as a double can be. */
const averageOf = ({ ratingSum, ratingCount }: AnimeDocument): number | null =>
  ratingCount === 0 ? null : ratingSum / (ratingCount * 100);

export const toStats = (document: AnimeDocument) => ({
  id: `AnimeStats:${document.animeId}`,
  animeId: document.animeId,
  title: document.details.title,
  image: document.details.image,
  totalClicks: document.clicks,
  totalViews: document.views,
  totalRatings: document.ratingCount,
  averageRating: averageOf(document),
  totalDurationSeconds: document.seconds,
});

/** The schema says which details are shown. */
const toAnime = ({ animeId, details }: AnimeDocument) => ({
  ...details,
  id: `Anime:${animeId}`,
  myanimelistId: animeId,
});

const toAnimeWithStats = (document: AnimeDocument) => ({
  ...toAnime(document),
  id: `AnimeWithStats:${document.animeId}`,
  genres: document.details.genres.join(', ') || null,
  totalClicks: document.clicks,
  totalViews: document.views,
  totalRatings: document.ratingCount,
  averageRating: averageOf(document),
});

const toDistribution = (document: AnimeDocument) => ({
  id: `RatingDistribution:${document.animeId}`,
  animeId: document.animeId,
  total: document.ratingCount,
  average: averageOf(document),
  buckets: document.ratingBuckets.map((count, index) => ({ stars: index + 1, count })),
});

const toInteraction = (document: InteractionDocument, userId: UserId) => {
  const rating = document.ratings.at(-1);
  return {
    id: `UserInteraction:${document.animeId}:${userId}`,
    animeId: document.animeId,
    totalClicks: document.clicks,
    totalViews: document.views,
    totalDurationSeconds: document.seconds,
    rating: rating === undefined ? null : rating.hundredths / 100,
    ratedAt: rating?.at ?? null,
    lastClickAt: document.lastClickAt,
    lastViewAt: document.lastViewAt,
  };
};

const toInteractionConnection = (
  { items, hasMore }: UserInteractions,
  userId: UserId,
  isFirstPage: boolean,
) => {
  const edges = items.map((document) => ({
    node: toInteraction(document, userId),
    cursor: encodeCursor(document.animeId),
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: hasMore,
      hasPreviousPage: !isFirstPage,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
};

/** A page of what one person did, who may have documents under several user ids. */
const interactionsOfUsers = async (
  queries: Pick<ReadQueries, 'interactionsOf'>,
  users: readonly UserId[],
  first: number,
  after: AnimeId | null,
): Promise<UserInteractions> => {
  const pages = await Promise.all(users.map((user) => queries.interactionsOf(user, first, after)));
  const byAnime = new Map<AnimeId, InteractionDocument>();
  for (const document of pages.flatMap(({ items }) => items)) {
    const other = byAnime.get(document.animeId);
    byAnime.set(document.animeId, other === undefined ? document : merged(other, document));
  }
  const all = [...byAnime.values()].sort((one, other) => one.animeId - other.animeId);
  const hasMore = all.length > first || pages.some((page) => page.hasMore);
  return { items: all.slice(0, first), hasMore };
};

const merged = (one: InteractionDocument, other: InteractionDocument): InteractionDocument => ({
  ...one,
  clicks: one.clicks + other.clicks,
  views: one.views + other.views,
  seconds: Math.min(one.seconds + other.seconds, Number.MAX_SAFE_INTEGER),
  lastClickAt: laterOfBoth(one.lastClickAt, other.lastClickAt),
  lastViewAt: laterOfBoth(one.lastViewAt, other.lastViewAt),
  ratings: [...one.ratings, ...other.ratings].sort((a, b) => a.revision - b.revision),
});

const laterOfBoth = (one: string | null, other: string | null): string | null =>
  other === null ? one : laterOf(one, other);
