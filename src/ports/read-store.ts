import type { AnimeDetails } from '../domain/details.js';
import type { AnimeId, UserId } from '../domain/ids.js';
import type { Position } from './event-store.js';

/**
 * Every document says up to which revision of its anime's stream it was computed. The higher
 * (generation, revision) wins, whoever writes: a document at revision r is a pure function of the
 * stream up to r. A generation is one computation of an anime from its stream's beginning.
 * Revision -1 is a document that was emptied: nothing of it is in the log any more.
 * Revisions are numbers here: a stream cannot reach 2^53 events.
 */
export interface Guarded {
  readonly generation: number;
  readonly revision: number;
}

/** One rating of a user, in whole hundredths so that sums are exact. */
export interface RatingEntry {
  readonly revision: number;
  readonly hundredths: number;
  readonly at: string;
}

/** What one user did with one anime. Key: anime and user. */
export interface InteractionDocument extends Guarded {
  readonly animeId: AnimeId;
  readonly userId: UserId;
  readonly clicks: number;
  readonly views: number;
  readonly seconds: number;
  readonly lastClickAt: string | null;
  readonly lastViewAt: string | null;
  /** Oldest first; trimmed below the anime document's saved revision, the newest entry there kept. */
  readonly ratings: readonly RatingEntry[];
}

/** What happened to one anime on one UTC day. Key: anime and day. */
export interface DailyActivityDocument extends Guarded {
  readonly animeId: AnimeId;
  /** YYYY-MM-DD. */
  readonly day: string;
  readonly clicks: number;
  readonly views: number;
  readonly ratings: number;
  readonly seconds: number;
}

/** One anime: catalogue, status and counters. Its revision is the commit point of the projection. */
export interface AnimeDocument extends Guarded {
  readonly animeId: AnimeId;
  readonly status: 'listed' | 'delisted';
  readonly details: AnimeDetails;
  readonly clicks: number;
  readonly views: number;
  readonly seconds: number;
  /** Users whose latest rating counts. */
  readonly ratingCount: number;
  /** Sum of the latest ratings, in whole hundredths. */
  readonly ratingSum: number;
  /** Latest ratings by whole stars: index 0 counts 1.00 to 1.99, index 9 counts 10.00. */
  readonly ratingBuckets: readonly number[];
  /** The id of the event at `revision`: another id at the same revision means another log. */
  readonly lastEventId: string;
  /** Revisions of stored events that can never apply, newest last, at most 100. */
  readonly skipped: readonly number[];
}

export interface InteractionKey {
  readonly animeId: AnimeId;
  readonly userId: UserId;
}

export interface DayKey {
  readonly animeId: AnimeId;
  readonly day: string;
}

export interface DocumentBatch {
  readonly interactions: readonly InteractionDocument[];
  readonly days: readonly DailyActivityDocument[];
  readonly animes: readonly AnimeDocument[];
}

/**
 * The documents of one version of the read models, as the projector sees them.
 *
 * - RS-1 A saved document is read back equal.
 * - RS-2 Save replaces a document only by one with a higher (generation, revision); others are left
 *        alone and counted in `refused`. Decided atomically per document.
 * - RS-3 Interactions and days of a batch are safe before its first anime document is: after a crash
 *        an anime document never stands without the parts that it was computed with.
 * - RS-4 Saving a batch again changes nothing.
 * - RS-5 `flushed` returns the last position given to `setFlushed`; everything saved before that
 *        call survives wherever the position does.
 * - RS-6 Ids and texts are data: nothing in them is read as an operator, a path or a pattern.
 * - RS-18 `fedAt` returns the last heartbeat given to `noteFed` by any process that shares the store.
 */
export interface DocumentStore {
  animes(ids: readonly AnimeId[]): Promise<readonly AnimeDocument[]>;
  interactions(keys: readonly InteractionKey[]): Promise<readonly InteractionDocument[]>;
  days(keys: readonly DayKey[]): Promise<readonly DailyActivityDocument[]>;
  save(batch: DocumentBatch): Promise<{ readonly refused: number }>;
  flushed(): Promise<Position | null>;
  setFlushed(position: Position): Promise<void>;
  /** The heartbeat of a process that keeps these documents up to date. */
  noteFed(at: Date): Promise<void>;
  /** The last heartbeat; null where none was ever noted. */
  fedAt(): Promise<Date | null>;
  /** All documents of one kind in key order, for comparisons. */
  allAnimes(): AsyncIterable<AnimeDocument>;
  allInteractions(animeId: AnimeId): AsyncIterable<InteractionDocument>;
  allDays(animeId: AnimeId): AsyncIterable<DailyActivityDocument>;
}

export type SortBy = 'popularity' | 'score' | 'title' | 'views';

export interface AnimeSearch {
  readonly search?: string;
  readonly type?: string;
  readonly genres?: readonly string[];
  readonly minScore?: number;
  readonly sortBy: SortBy;
  readonly offset: number;
  readonly limit: number;
}

/** Days as YYYY-MM-DD, both inclusive. */
export interface DayRange {
  readonly from: string;
  readonly to: string;
}

/** What happened on one UTC day, to one anime or to all of them. */
export type ActivityOfDay = Pick<
  DailyActivityDocument,
  'day' | 'clicks' | 'views' | 'ratings' | 'seconds'
>;

/** All that happened to all anime, delisted ones included, and how many are listed now. */
export interface Totals {
  readonly listed: number;
  readonly clicks: number;
  readonly views: number;
  readonly seconds: number;
  readonly ratings: number;
}

export interface UserInteractions {
  readonly items: readonly InteractionDocument[];
  readonly hasMore: boolean;
}

/**
 * What the query API reads from one version. Lists leave out delisted anime; ties are
 * broken by anime id, so that every order is total.
 *
 * - RS-7  topByViews: views > 0, most views first. topByRating: at least `minRatings` ratings, best
 *         average first, then most ratings.
 * - RS-8  search: title contains (literally), type equal, any of the genres, score at least;
 *         popularity ascending with unknown last, score descending with unknown last, title
 *         ascending, views descending; `total` counts all matches. Titles, types and genres are
 *         compared, and titles sorted, in their searched form: without case, accents and width.
 * - RS-9  trending: most interactions (clicks, views and ratings) on `sinceDay` or later, then most
 *         views; only anime with at least one.
 * - RS-10 recommended: other titles that share genres in their searched form, most shared first, then
 *         best score; where the given title has no genres, best score.
 * - RS-11 genres: every genre of a listed anime once, sorted by its searched form; of the spellings
 *         that share one, the first by code points.
 * - RS-12 interactionsOf: a user's interactions by anime id, after a given one, without those at
 *         revision -1, which were emptied.
 * - RS-22 activityOf, activity: what happened on each day of a range, to one anime or to all of them,
 *         oldest first; days without a click, view or rating are left out. Delisted anime count.
 * - RS-24 totals: the activity of all days added up, delisted anime included, and the number of listed
 *         anime.
 */
export interface ReadQueries {
  anime(id: AnimeId): Promise<AnimeDocument | null>;
  topByViews(limit: number): Promise<readonly AnimeDocument[]>;
  topByRating(limit: number, minRatings: number): Promise<readonly AnimeDocument[]>;
  search(query: AnimeSearch): Promise<{
    readonly items: readonly AnimeDocument[];
    readonly total: number;
  }>;
  trending(sinceDay: string, limit: number): Promise<readonly AnimeDocument[]>;
  recommended(basedOn: AnimeId, limit: number): Promise<readonly AnimeDocument[]>;
  genres(): Promise<readonly string[]>;
  interactionsOf(userId: UserId, first: number, after: AnimeId | null): Promise<UserInteractions>;
  activityOf(animeId: AnimeId, range: DayRange): Promise<readonly ActivityOfDay[]>;
  activity(range: DayRange): Promise<readonly ActivityOfDay[]>;
  totals(): Promise<Totals>;
}

export type VersionState = 'building' | 'ready' | 'active' | 'old';

export interface VersionRecord {
  readonly name: string;
  readonly state: VersionState;
  /** The identity of the log that its documents come from. */
  readonly logId: string;
  readonly createdAt: string;
  /** Of the release that made it; null where that release knew of no fingerprints. */
  readonly fingerprint: string | null;
  /** Distinguishes its consumer group from all others, those of other stores included. */
  readonly group: string;
}

/**
 * The read side's database: versions of the read models side by side, exactly one of them active.
 *
 * - RS-13 `createVersion` starts empty; the first one is active at once, others are 'building'. An
 *         existing name is left as it is, but for what a crash kept from being made.
 * - RS-14 `promote` makes one version active and the one before it 'old', atomically.
 * - RS-15 `prune` removes a version and all its documents. The active one rejects with REFUSED, which
 *         is not retriable; a missing one is no error.
 * - RS-16 `onSaved` tells listeners in this process of anime documents saved, after they can be read;
 *         a store that cannot know of other processes' saves tells only of its own.
 * - RS-17 `createVersion` gives a new version the store's own fingerprint; a record keeps the one that
 *         it has. Documents and queries of a version of another fingerprint, or of none, reject with
 *         OtherFingerprintError, and it cannot be promoted; it can be listed and pruned.
 * - RS-19 `identity` is made once with the store, at random: the same for all processes that share the
 *         store, whenever they ask, and another one for any other store.
 * - RS-20 The `group` of a version begins with its name, and no version of another store has it.
 * - RS-21 Marking or promoting a missing version, and everything on its documents and queries, rejects
 *         with NOT_FOUND, which is not retriable.
 * - RS-23 `onChanged` tells listeners which anime documents any process may have saved, after they can
 *         be read; null means any of them, at most every 250 ms. It costs nothing without listeners.
 */
export interface ReadStore {
  /**
   * A hash over how this release computes and stores documents: the given examples of all kinds, as
   * this store would write them, and the tables, fields and indexes that they are written to.
   */
  readonly fingerprint: string;
  identity(): Promise<string>;
  versions(): Promise<readonly VersionRecord[]>;
  createVersion(name: string, logId: string): Promise<VersionRecord>;
  markReady(name: string): Promise<void>;
  promote(name: string): Promise<void>;
  prune(name: string): Promise<void>;
  /** The active version, resolved once per request by whoever asks; null before the first one. */
  active(): Promise<VersionRecord | null>;
  documents(version: string): DocumentStore;
  queries(version: string): ReadQueries;
  onSaved(listener: (animes: readonly AnimeDocument[]) => void): () => void;
  onChanged(listener: (ids: readonly AnimeId[] | null) => void): () => void;
  /** The version that the server reports; absent where there is no server. */
  readonly serverVersion?: () => Promise<string>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
