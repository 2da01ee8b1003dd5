import { unauthenticated } from './errors.js';
import {
  afterOf,
  daysOf,
  filtersOf,
  pageOf,
  pageSizeOf,
  sinceDay,
  userIdOf,
  type AnimeFilters,
} from './arguments.js';
import { requireReadModels, type QueryContext } from './context.js';
import { toAnimeWithStats, toConnection, toStats } from './views.js';

const MIN_RATINGS = 5;

interface Limited {
  readonly limit: number | null;
}

interface Trending extends Limited {
  readonly days: number | null;
}

interface Search {
  readonly page: number | null;
  readonly pageSize: number | null;
  readonly filters?: AnimeFilters | null;
}

interface OfUser {
  readonly userId: string;
  readonly first: number | null;
  readonly after?: string | null;
}

export const createListResolvers = (now: () => Date) => ({
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

  trendingAnimes: async (_: unknown, args: Trending, context: QueryContext) => {
    const limit = pageSizeOf('limit', args.limit, 10);
    const since = sinceDay(now(), daysOf(args.days));
    const { queries } = await requireReadModels(context);
    return (await queries.trending(since, limit)).map(toAnimeWithStats);
  },

  searchAnimes: async (_: unknown, args: Search, context: QueryContext) => {
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
    return toConnection(await queries.interactionsOf(userId, first, after), after === null);
  },
});
