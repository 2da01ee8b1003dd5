import type { Subscription } from './live.js';

/** What the page asks the query API, one document per panel: a field that fails empties one panel. */

export interface Stats {
  readonly animeId: number;
  readonly title: string | null;
  readonly image: string | null;
  readonly totalClicks: number;
  readonly totalViews: number;
  readonly totalRatings: number;
  readonly averageRating: number | null;
  readonly totalDurationSeconds: number;
}

const STATS_FIELDS = `animeId title image totalClicks totalViews totalRatings averageRating totalDurationSeconds`;

export const TOP_BY_VIEWS_QUERY = `query DashboardTopByViews { topAnimesByViews(limit: 10) { ${STATS_FIELDS} } }`;
export const TOP_BY_RATING_QUERY = `query DashboardTopByRating { topAnimesByRating(limit: 10) { ${STATS_FIELDS} } }`;

export interface Entry {
  readonly myanimelistId: number;
  readonly title: string;
  readonly description: string | null;
  readonly image: string | null;
  readonly type: string | null;
  readonly episodes: number | null;
  readonly score: number | null;
  readonly popularity: number | null;
}

export interface EntryWithStats extends Entry {
  readonly genres: string | null;
  readonly totalClicks: number;
  readonly totalViews: number;
  readonly totalRatings: number;
  readonly averageRating: number | null;
}

const ENTRY_FIELDS = `myanimelistId title description image type episodes score popularity`;
const SHORT_FIELDS = `myanimelistId title image type episodes score popularity genres totalClicks totalViews totalRatings averageRating`;

export const TRENDING_QUERY = `query DashboardTrending { trendingAnimes(limit: 10, days: 7) { ${SHORT_FIELDS} } }`;

export interface SearchPage {
  readonly items: readonly EntryWithStats[];
  readonly total: number;
  readonly page: number;
  readonly pageSize: number;
  readonly hasMore: boolean;
}

export const SEARCH_QUERY = `query DashboardSearch($page: Int!, $pageSize: Int!, $filters: AnimeFilters) {
  searchAnimes(page: $page, pageSize: $pageSize, filters: $filters) {
    items { ${SHORT_FIELDS} } total page pageSize hasMore
  }
}`;

export const TITLES_QUERY = `query DashboardTitles { searchAnimes(pageSize: 1) { total } }`;
export const GENRES_QUERY = `query DashboardGenres { genres }`;
export const ANIME_QUERY = `query DashboardAnime($animeId: Int!) { anime(animeId: $animeId) { ${ENTRY_FIELDS} } }`;
export const ANIME_STATS_QUERY = `query DashboardAnimeStats($animeId: Int!, $minRevision: String) {
  animeStats(animeId: $animeId, minRevision: $minRevision) { ${STATS_FIELDS} }
}`;
export const LIVE_STATS: Subscription<{ readonly animeStats: Stats | null }> = {
  document: `subscription DashboardLiveStats($animeId: Int!) {
  animeStats(animeId: $animeId) { ${STATS_FIELDS} }
}`,
};

export interface Distribution {
  readonly total: number;
  readonly average: number | null;
  readonly buckets: readonly { readonly stars: number; readonly count: number }[];
}

export const DISTRIBUTION_QUERY = `query DashboardRatings($animeId: Int!) {
  ratingDistribution(animeId: $animeId) { total average buckets { stars count } }
}`;

export const SIMILAR_QUERY = `query DashboardSimilar($animeId: Int!) {
  recommendedAnimes(basedOnAnimeId: $animeId, limit: 6) { ${SHORT_FIELDS} }
}`;

export interface ActivityPoint {
  readonly day: string;
  readonly clicks: number;
  readonly views: number;
  readonly seconds: number;
  readonly ratings: number;
}

const ACTIVITY_FIELDS = `day clicks views seconds ratings`;

export interface OverallTotals {
  readonly listed: number;
  readonly clicks: number;
  readonly views: number;
  readonly seconds: number;
  readonly ratings: number;
}

export const TOTALS_QUERY = `query DashboardTotals { totals { listed clicks views seconds ratings } }`;

export const ACTIVITY_QUERY = `query DashboardActivity { activity { ${ACTIVITY_FIELDS} } }`;
export const ANIME_ACTIVITY_QUERY = `query DashboardAnimeActivity($animeId: Int!) {
  animeActivity(animeId: $animeId) { ${ACTIVITY_FIELDS} }
}`;

/** The views per day of several titles in one query, each under the alias `a<id>`. */
export const sparklinesOf = (animeIds: readonly number[]): string =>
  `query DashboardSparklines { ${animeIds
    .map((id) => `a${id}: animeActivity(animeId: ${id}) { views ratings }`)
    .join(' ')} }`;

export interface EventNode {
  readonly eventId: string;
  readonly stream: string;
  readonly type: string;
  readonly revision: string;
  readonly position: string;
  readonly time: string;
  readonly animeId: number | null;
  /** Null where it is no JSON. */
  readonly data: unknown;
  /** As it is stored; null where it is no text. */
  readonly dataText: string | null;
  readonly metadata: unknown;
}

/** Where an event is, which no other event shares. */
export const shownPlaceOf = ({ stream, revision }: EventNode): string => `${revision}@${stream}`;

export interface EventPage {
  readonly edges: readonly { readonly node: EventNode; readonly cursor: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** Without data and metadata, which a live list does not show. */
const EVENT_HEAD_FIELDS = `stream type revision position time animeId`;
const EVENT_FIELDS = `eventId ${EVENT_HEAD_FIELDS} data dataText metadata`;
const EVENT_PAGE_FIELDS = `edges { node { ${EVENT_FIELDS} } cursor } pageInfo { hasNextPage endCursor }`;

/** Only streams of anime; the log also holds checkpoints. */
export const EVENT_TYPES: readonly string[] = [
  'ClickRegistered',
  'ViewRegistered',
  'RatingGiven',
  'AnimeListed',
  'AnimeDetailsRevised',
  'AnimeDelisted',
];

export const LOG_QUERY = `query DashboardLog($after: String, $limit: Int!, $types: [String!]) {
  log(after: $after, limit: $limit, types: $types) { ${EVENT_PAGE_FIELDS} }
}`;
export const STREAM_QUERY = `query DashboardStream($name: String!, $from: String, $after: String, $limit: Int!) {
  stream(name: $name, from: $from, after: $after, limit: $limit) { ${EVENT_PAGE_FIELDS} }
}`;
export const LIVE_EVENTS: Subscription<{ readonly events: readonly EventNode[] }> = {
  document: `subscription DashboardLiveEvents($types: [String!]) { events(types: $types, newest: 12) { ${EVENT_HEAD_FIELDS} } }`,
};
export const TICKER_QUERY = `query DashboardTicker($types: [String!]) { log(limit: 12, types: $types) { edges { node { ${EVENT_HEAD_FIELDS} } cursor } pageInfo { hasNextPage endCursor } } }`;

export interface Projection {
  readonly name: string;
  readonly condition: string;
  readonly status: string;
  readonly reason: string | null;
  readonly progress: number;
  readonly position: string | null;
}

export const PROJECTIONS_QUERY = `query DashboardProjections {
  projections { name condition status reason progress position }
}`;
export const PROJECTION_STATE_QUERY = `query DashboardProjectionState($name: String!, $partition: String) {
  projectionState(name: $name, partition: $partition)
}`;
