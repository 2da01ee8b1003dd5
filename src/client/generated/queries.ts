// Written by `npm run client:types`; a test compares it with the APIs.

import type { Operation } from '../queries.js';

/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> =
  T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** The filters and order of a search. Text is compared ignoring case and accents; an empty text or list counts as absent. */
export type AnimeFilters = {
  /** Text that the title contains. At most 200 characters. */
  readonly search?: string | null | undefined;
  /** The type of the anime. At most 200 characters. */
  readonly type?: string | null | undefined;
  /** Genres, any of which the anime has. At most 50, each of at most 200 characters. */
  readonly genres?: ReadonlyArray<string> | null | undefined;
  /** The minimum score; anime without a score are left out. */
  readonly minScore?: number | null | undefined;
  /** popularity (1 first), score (highest first), title (A first) or views (most first). Unknown popularity and score come last. */
  readonly sortBy?: string | null | undefined;
};

export type CountersFragment = {
  readonly animeId: number;
  readonly title: string | null;
  readonly image: string | null;
  readonly totalClicks: number;
  readonly totalViews: number;
  readonly totalRatings: number;
  readonly averageRating: number | null;
  readonly totalDurationSeconds: number;
};

export type EntryFragment = {
  readonly myanimelistId: number;
  readonly title: string;
  readonly image: string | null;
  readonly type: string | null;
  readonly episodes: number | null;
  readonly genres: string | null;
  readonly score: number | null;
  readonly popularity: number | null;
  readonly totalClicks: number;
  readonly totalViews: number;
  readonly totalRatings: number;
  readonly averageRating: number | null;
};

export type AnimeStatsOfQueryVariables = Exact<{
  animeId: number;
  minRevision?: string | null | undefined;
}>;

export type AnimeStatsOfQuery = {
  readonly animeStats: {
    readonly animeId: number;
    readonly title: string | null;
    readonly image: string | null;
    readonly totalClicks: number;
    readonly totalViews: number;
    readonly totalRatings: number;
    readonly averageRating: number | null;
    readonly totalDurationSeconds: number;
  } | null;
};

export type AnimeOfQueryVariables = Exact<{
  animeId: number;
  minRevision?: string | null | undefined;
}>;

export type AnimeOfQuery = {
  readonly anime: {
    readonly myanimelistId: number;
    readonly title: string;
    readonly description: string | null;
    readonly image: string | null;
    readonly type: string | null;
    readonly episodes: number | null;
    readonly score: number | null;
    readonly popularity: number | null;
  } | null;
};

export type RatingsOfQueryVariables = Exact<{
  animeId: number;
  minRevision?: string | null | undefined;
}>;

export type RatingsOfQuery = {
  readonly ratingDistribution: {
    readonly total: number;
    readonly average: number | null;
    readonly buckets: ReadonlyArray<{ readonly stars: number; readonly count: number }>;
  } | null;
};

export type ActivityOfQueryVariables = Exact<{
  animeId: number;
  from?: string | null | undefined;
  to?: string | null | undefined;
  minRevision?: string | null | undefined;
}>;

export type ActivityOfQuery = {
  readonly animeActivity: ReadonlyArray<{
    readonly day: string;
    readonly clicks: number;
    readonly views: number;
    readonly seconds: number;
    readonly ratings: number;
  }> | null;
};

export type MostViewedQueryVariables = Exact<{
  limit?: number | null | undefined;
}>;

export type MostViewedQuery = {
  readonly topAnimesByViews: ReadonlyArray<{
    readonly animeId: number;
    readonly title: string | null;
    readonly image: string | null;
    readonly totalClicks: number;
    readonly totalViews: number;
    readonly totalRatings: number;
    readonly averageRating: number | null;
    readonly totalDurationSeconds: number;
  }>;
};

export type BestRatedQueryVariables = Exact<{
  limit?: number | null | undefined;
}>;

export type BestRatedQuery = {
  readonly topAnimesByRating: ReadonlyArray<{
    readonly animeId: number;
    readonly title: string | null;
    readonly image: string | null;
    readonly totalClicks: number;
    readonly totalViews: number;
    readonly totalRatings: number;
    readonly averageRating: number | null;
    readonly totalDurationSeconds: number;
  }>;
};

export type TrendingQueryVariables = Exact<{
  limit?: number | null | undefined;
  days?: number | null | undefined;
}>;

export type TrendingQuery = {
  readonly trendingAnimes: ReadonlyArray<{
    readonly myanimelistId: number;
    readonly title: string;
    readonly image: string | null;
    readonly type: string | null;
    readonly episodes: number | null;
    readonly genres: string | null;
    readonly score: number | null;
    readonly popularity: number | null;
    readonly totalClicks: number;
    readonly totalViews: number;
    readonly totalRatings: number;
    readonly averageRating: number | null;
  }>;
};

export type SearchQueryVariables = Exact<{
  page?: number | null | undefined;
  pageSize?: number | null | undefined;
  filters?: AnimeFilters | null | undefined;
}>;

export type SearchQuery = {
  readonly searchAnimes: {
    readonly total: number;
    readonly page: number;
    readonly pageSize: number;
    readonly hasMore: boolean;
    readonly items: ReadonlyArray<{
      readonly myanimelistId: number;
      readonly title: string;
      readonly image: string | null;
      readonly type: string | null;
      readonly episodes: number | null;
      readonly genres: string | null;
      readonly score: number | null;
      readonly popularity: number | null;
      readonly totalClicks: number;
      readonly totalViews: number;
      readonly totalRatings: number;
      readonly averageRating: number | null;
    }>;
  };
};

export const AnimeStatsOf: Operation<AnimeStatsOfQuery, AnimeStatsOfQueryVariables> = {
  text: 'fragment Counters on AnimeStats{animeId title image totalClicks totalViews totalRatings averageRating totalDurationSeconds}query AnimeStatsOf($animeId:Int!$minRevision:String){animeStats(animeId:$animeId minRevision:$minRevision){...Counters}}',
  waits: true,
};

export const AnimeOf: Operation<AnimeOfQuery, AnimeOfQueryVariables> = {
  text: 'query AnimeOf($animeId:Int!$minRevision:String){anime(animeId:$animeId minRevision:$minRevision){myanimelistId title description image type episodes score popularity}}',
  waits: true,
};

export const RatingsOf: Operation<RatingsOfQuery, RatingsOfQueryVariables> = {
  text: 'query RatingsOf($animeId:Int!$minRevision:String){ratingDistribution(animeId:$animeId minRevision:$minRevision){total average buckets{stars count}}}',
  waits: true,
};

export const ActivityOf: Operation<ActivityOfQuery, ActivityOfQueryVariables> = {
  text: 'query ActivityOf($animeId:Int!$from:String$to:String$minRevision:String){animeActivity(animeId:$animeId from:$from to:$to minRevision:$minRevision){day clicks views seconds ratings}}',
  waits: true,
};

export const MostViewed: Operation<MostViewedQuery, MostViewedQueryVariables> = {
  text: 'fragment Counters on AnimeStats{animeId title image totalClicks totalViews totalRatings averageRating totalDurationSeconds}query MostViewed($limit:Int){topAnimesByViews(limit:$limit){...Counters}}',
  waits: false,
};

export const BestRated: Operation<BestRatedQuery, BestRatedQueryVariables> = {
  text: 'fragment Counters on AnimeStats{animeId title image totalClicks totalViews totalRatings averageRating totalDurationSeconds}query BestRated($limit:Int){topAnimesByRating(limit:$limit){...Counters}}',
  waits: false,
};

export const Trending: Operation<TrendingQuery, TrendingQueryVariables> = {
  text: 'fragment Entry on AnimeWithStats{myanimelistId title image type episodes genres score popularity totalClicks totalViews totalRatings averageRating}query Trending($limit:Int$days:Int){trendingAnimes(limit:$limit days:$days){...Entry}}',
  waits: false,
};

export const Search: Operation<SearchQuery, SearchQueryVariables> = {
  text: 'fragment Entry on AnimeWithStats{myanimelistId title image type episodes genres score popularity totalClicks totalViews totalRatings averageRating}query Search($page:Int$pageSize:Int$filters:AnimeFilters){searchAnimes(page:$page pageSize:$pageSize filters:$filters){items{...Entry}total page pageSize hasMore}}',
  waits: false,
};
