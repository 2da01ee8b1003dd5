import { isDeepStrictEqual } from 'node:util';
import { type AnimeId, streamOf } from '../../domain/ids.js';
import { chunksOf } from '../../platform/async/pages.js';
import { pause } from '../../platform/async/retry.js';
import type { JsonValue } from '../../ports/json.js';
import type { Projections, ProjectionStatus } from '../../ports/projections.js';
import type { AnimeDocument, DocumentStore } from '../../ports/read-store.js';

export const ANIME_ACTIVITY = 'anime-activity';
export const ANIME_RATING_CHANGES = 'anime-rating-changes';
export const ANIME_RATING_SUMMARY = 'anime-rating-summary';

/** The state of `projections/anime-activity.js` for one anime. */
interface ActivityState {
  readonly clicks: number;
  readonly views: number;
  readonly seconds: number;
  readonly ratingRevision: number;
  readonly revision: number;
}

/** The state of `projections/anime-rating-summary.js` for one anime. */
interface RatingState {
  readonly ratingCount: number;
  readonly ratingSum: number;
  readonly revision: number;
}

const NO_ACTIVITY: ActivityState = {
  clicks: 0,
  views: 0,
  seconds: 0,
  ratingRevision: -1,
  revision: -1,
};

const NO_RATINGS: RatingState = { ratingCount: 0, ratingSum: 0, revision: -1 };

/** 'unreadable': the deployed projection is of another version. */
const activityOf = async (
  projections: Projections,
  animeId: AnimeId,
): Promise<ActivityState | 'unreadable'> =>
  stateNumbers(await projections.stateOf(ANIME_ACTIVITY, streamOf(animeId)), NO_ACTIVITY);

const ratingsOf = async (
  projections: Projections,
  animeId: AnimeId,
): Promise<RatingState | 'unreadable'> =>
  stateNumbers(await projections.stateOf(ANIME_RATING_SUMMARY, `ratings-${animeId}`), NO_RATINGS);

/** The numbers that `none` names; `none` itself if there is no state yet. */
const stateNumbers = <State extends object>(
  state: JsonValue,
  none: State,
): State | 'unreadable' => {
  if (state === null) return none;
  const stored = state as Readonly<Record<string, unknown>>;
  const fields = Object.keys(none).map((name) => [name, stored[name]] as const);
  return fields.every(([, value]) => typeof value === 'number')
    ? (Object.fromEntries(fields) as State)
    : 'unreadable';
};

export interface ProjectionComparison {
  readonly animes: number;
  readonly equal: number;
  /** One per projection that differs from the document at the same revision. */
  readonly different: readonly ProjectionDifference[];
  /** Neither equal nor different: one side was still behind the other at the deadline. */
  readonly notComparable: readonly { readonly animeId: AnimeId; readonly reason: string }[];
}

export interface CompareProjectionsOptions {
  readonly projections: Projections;
  readonly documents: DocumentStore;
  /** How long to wait in total for the side that is behind. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

const COMPARISONS_AT_ONCE = 16;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;

/**
 * Compares every anime's document with the event store's own projections, at equal revisions. Both
 * may change meanwhile. Rejects with NOT_SUPPORTED if there is no engine.
 */
export const compareWithProjections = async ({
  projections,
  documents,
  waitMs = 10_000,
  signal = new AbortController().signal,
}: CompareProjectionsOptions): Promise<ProjectionComparison> => {
  const broken = notRunning(await projections.list());
  const compareOne = (anime: AnimeDocument): Promise<AnimeComparison> =>
    broken === null
      ? compareWithEngine(projections, anime)
      : Promise.resolve({ kind: 'never', reason: broken });
  const comparisons = createComparisons();
  const compareAll = async (animes: readonly AnimeDocument[]): Promise<void> => {
    signal.throwIfAborted();
    const compared = await Promise.all(
      animes.map(async (anime) => [anime.animeId, await compareOne(anime)] as const),
    );
    for (const [animeId, comparison] of compared) comparisons.note(animeId, comparison);
  };

  for await (const animes of chunksOf(documents.allAnimes(), COMPARISONS_AT_ONCE))
    await compareAll(animes);
  const deadline = performance.now() + waitMs;
  for (let pauseMs = FIRST_PAUSE_MS; comparisons.late().length > 0; pauseMs *= 2) {
    const left = deadline - performance.now();
    if (left <= 0) break;
    await pause(Math.min(pauseMs, LONGEST_PAUSE_MS, left), signal);
    for await (const ids of chunksOf(comparisons.late(), COMPARISONS_AT_ONCE))
      await compareAll(await documents.animes(ids));
  }
  return comparisons.summary();
};

const COMPARED: readonly string[] = [ANIME_ACTIVITY, ANIME_RATING_CHANGES, ANIME_RATING_SUMMARY];

/** Whether the event store has any of the projections that are compared. */
export const areDeployed = async (projections: Pick<Projections, 'list'>): Promise<boolean> =>
  (await projections.list()).some(({ name }) => COMPARED.includes(name));

/** Why nothing can be compared; null if every projection runs. */
const notRunning = (all: readonly ProjectionStatus[]): string | null => {
  for (const name of COMPARED) {
    const found = all.find((status) => status.name === name);
    if (found === undefined) return `${name} is not deployed.`;
    if (found.condition === 'faulted') return `${name} is faulted: ${found.reason}`;
    if (found.condition === 'stopped') return `${name} is stopped.`;
  }
  return null;
};

const createComparisons = () => {
  const different: ProjectionDifference[] = [];
  const open = new Map<AnimeId, AnimeComparison & { readonly reason: string }>();
  let [animes, equal] = [0, 0];
  return {
    note: (animeId: AnimeId, comparison: AnimeComparison): void => {
      if (!open.delete(animeId)) animes += 1;
      if (comparison.kind === 'equal') equal += 1;
      else if (comparison.kind === 'different') different.push(...comparison.differences);
      else open.set(animeId, comparison);
    },
    late: (): readonly AnimeId[] =>
      [...open].filter(([, { kind }]) => kind === 'later').map(([animeId]) => animeId),
    summary: (): ProjectionComparison => {
      const notComparable = [...open].map(([animeId, { reason }]) => ({ animeId, reason }));
      return { animes, equal, different, notComparable };
    },
  };
};

interface ProjectionDifference {
  readonly animeId: AnimeId;
  readonly projection: string;
  readonly revision: number;
  readonly document: Readonly<Record<string, number>>;
  readonly state: Readonly<Record<string, number>>;
}

/** The comparison of one anime; 'later' while one side is behind the other. */
type AnimeComparison =
  | { readonly kind: 'equal' }
  | { readonly kind: 'different'; readonly differences: readonly ProjectionDifference[] }
  | { readonly kind: 'later' | 'never'; readonly reason: string };

/**
 * Compares one anime at equal revisions. The activity state has its revision and that of its last
 * rating; the summary is at the same point if that is its last rating too. All three are functions
 * of the stream up to a revision, so they need not be read at the same moment.
 */
const compareWithEngine = async (
  projections: Projections,
  document: AnimeDocument,
): Promise<AnimeComparison> => {
  const { animeId } = document;
  const activity = await activityOf(projections, animeId);
  if (activity === 'unreadable') return unreadableState(ANIME_ACTIVITY);
  if (!isAt(activity, document)) {
    return notComparableYet(
      ANIME_ACTIVITY,
      activity.revision,
      `the document at ${document.revision}`,
    );
  }
  const ratings = await ratingsOf(projections, animeId);
  if (ratings === 'unreadable') return unreadableState(ANIME_RATING_SUMMARY);
  if (ratings.revision !== activity.ratingRevision) {
    const wanted = `the document's last rating at ${activity.ratingRevision}`;
    return notComparableYet(ANIME_RATING_SUMMARY, ratings.revision, wanted);
  }
  return compare(document, activity, ratings);
};

const unreadableState = (projection: string): AnimeComparison => ({
  kind: 'never',
  reason: `The state of ${projection} is not that of this version: deploy the projections.`,
});

const notComparableYet = (projection: string, at: number, other: string): AnimeComparison => ({
  kind: 'later',
  reason: `${projection} is at revision ${at}, ${other}.`,
});

/** The engine may skip events that are not JSON: the document lists them as skipped. */
const isAt = ({ revision }: ActivityState, document: AnimeDocument): boolean =>
  document.skipped.filter((skipped) => skipped > revision).length === document.revision - revision;

const compare = (
  document: AnimeDocument,
  activity: ActivityState,
  ratings: RatingState,
): AnimeComparison => {
  const { animeId, revision, clicks, views, seconds, ratingCount, ratingSum } = document;
  const pairs = [
    {
      projection: ANIME_ACTIVITY,
      document: { clicks, views, seconds },
      state: { clicks: activity.clicks, views: activity.views, seconds: activity.seconds },
    },
    {
      projection: ANIME_RATING_SUMMARY,
      document: { ratingCount, ratingSum },
      state: { ratingCount: ratings.ratingCount, ratingSum: ratings.ratingSum },
    },
  ];
  const differences = pairs
    .filter((pair) => !isDeepStrictEqual(pair.document, pair.state))
    .map((pair) => ({ animeId, revision, ...pair }));
  return differences.length === 0 ? { kind: 'equal' } : { kind: 'different', differences };
};
