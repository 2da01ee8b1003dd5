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

const STATS = `animeId title image totalClicks totalViews totalRatings averageRating totalDurationSeconds`;

export const TOP_BY_VIEWS = `query DashboardTopByViews { topAnimesByViews(limit: 10) { ${STATS} } }`;
export const TOP_BY_RATING = `query DashboardTopByRating { topAnimesByRating(limit: 10) { ${STATS} } }`;

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

const ENTRY = `myanimelistId title description image type episodes score popularity`;
const SHORT = `myanimelistId title image type episodes score popularity genres totalClicks totalViews totalRatings averageRating`;

export const TRENDING = `query DashboardTrending { trendingAnimes(limit: 10, days: 7) { ${SHORT} } }`;

export interface Page {
  readonly items: readonly EntryWithStats[];
  readonly total: number;
  readonly page: number;
  readonly pageSize: number;
  readonly hasMore: boolean;
}

export const SEARCH = `query DashboardSearch($page: Int!, $pageSize: Int!, $filters: AnimeFilters) {
  searchAnimes(page: $page, pageSize: $pageSize, filters: $filters) {
    items { ${SHORT} } total page pageSize hasMore
  }
}`;

export const TITLES = `query DashboardTitles { searchAnimes(pageSize: 1) { total } }`;
export const GENRES = `query DashboardGenres { genres }`;
export const ANIME = `query DashboardAnime($animeId: Int!) { anime(animeId: $animeId) { ${ENTRY} } }`;
export const ANIME_STATS = `query DashboardAnimeStats($animeId: Int!, $minRevision: String) {
  animeStats(animeId: $animeId, minRevision: $minRevision) { ${STATS} }
}`;
export const LIVE_STATS: Subscription<{ readonly animeStats: Stats | null }> = {
  document: `subscription DashboardLiveStats($animeId: Int!) {
  animeStats(animeId: $animeId) { ${STATS} }
}`,
};

export interface Distribution {
  readonly total: number;
  readonly average: number | null;
  readonly buckets: readonly { readonly stars: number; readonly count: number }[];
}

export const DISTRIBUTION = `query DashboardRatings($animeId: Int!) {
  ratingDistribution(animeId: $animeId) { total average buckets { stars count } }
}`;

export const SIMILAR = `query DashboardSimilar($animeId: Int!) {
  recommendedAnimes(basedOnAnimeId: $animeId, limit: 6) { ${SHORT} }
}`;

export interface ActivityPoint {
  readonly day: string;
  readonly clicks: number;
  readonly views: number;
  readonly seconds: number;
  readonly ratings: number;
}

const POINT = `day clicks views seconds ratings`;

export interface Totals {
  readonly listed: number;
  readonly clicks: number;
  readonly views: number;
  readonly seconds: number;
  readonly ratings: number;
}

export const TOTALS = `query DashboardTotals { totals { listed clicks views seconds ratings } }`;

export const ACTIVITY = `query DashboardActivity { activity { ${POINT} } }`;
export const ANIME_ACTIVITY = `query DashboardAnimeActivity($animeId: Int!) {
  animeActivity(animeId: $animeId) { ${POINT} }
}`;

/** The views per day of several titles in one query, each under the alias `a<id>`. */
export const sparklinesOf = (animeIds: readonly number[]): string =>
  `query DashboardSparklines { ${animeIds
    .map((id) => `a${id}: animeActivity(animeId: ${id}) { views ratings }`)
    .join(' ')} }`;

export interface StoredEvent {
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
export const placeOf = ({ stream, revision }: StoredEvent): string => `${revision}@${stream}`;

export interface EventPage {
  readonly edges: readonly { readonly node: StoredEvent; readonly cursor: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** Without data and metadata, which a list that ticks by does not show. */
const HEAD_OF_EVENT = `stream type revision position time animeId`;
const EVENT = `eventId ${HEAD_OF_EVENT} data dataText metadata`;
const EVENTS = `edges { node { ${EVENT} } cursor } pageInfo { hasNextPage endCursor }`;

/** What happens to anime; the log also holds checkpoints and the like. */
export const EVENT_TYPES: readonly string[] = [
  'ClickRegistered',
  'ViewRegistered',
  'RatingGiven',
  'AnimeListed',
  'AnimeDetailsRevised',
  'AnimeDelisted',
];

export const LOG = `query DashboardLog($after: String, $limit: Int!, $types: [String!]) {
  log(after: $after, limit: $limit, types: $types) { ${EVENTS} }
}`;
export const STREAM = `query DashboardStream($name: String!, $from: String, $after: String, $limit: Int!) {
  stream(name: $name, from: $from, after: $after, limit: $limit) { ${EVENTS} }
}`;
export const LIVE_EVENTS: Subscription<{ readonly events: readonly StoredEvent[] }> = {
  document: `subscription DashboardLiveEvents($types: [String!]) { events(types: $types, newest: 12) { ${HEAD_OF_EVENT} } }`,
};
export const TICKER = `query DashboardTicker($types: [String!]) { log(limit: 12, types: $types) { edges { node { ${HEAD_OF_EVENT} } cursor } pageInfo { hasNextPage endCursor } } }`;
