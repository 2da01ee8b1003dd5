import { setImmediate as nextTurn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { AnimeId } from '../../../domain/ids.js';
import { nulFree, watchDatabaseFile, withNul } from '../../../embedded-eventstore/sqlite.js';
import { pages } from '../../../platform/async/pages.js';
import { UnavailableError } from '../../../ports/errors.js';
import type { Position } from '../../../ports/event-store.js';
import type {
  ActivityOfDay,
  AnimeDocument,
  DayKey,
  DayRange,
  DocumentBatch,
  DocumentStore,
} from '../../../ports/read-store.js';
import { openReadConnection, type ReadConnection } from './file.js';
import { type Queries, queriesOn } from './queries.js';
import { documentReads, type DocumentReads, batchRowsOf } from './rows.js';
import { VERSION_FILE } from './schema.js';
import type { DocumentWriter } from './writer.js';

/** A version whose file the writer holds open, as read from this thread. */
export interface OpenVersion {
  readonly path: string;
  readonly reads: DocumentReads;
  readonly queries: Queries;
  readonly activity: Activity;
  /** In memory only: no other process reads it, so it need not outlive this one. */
  fedAt: Date | null;
  /** Invalidates caches that the saved documents affect. */
  noteSaved(batch: DocumentBatch): void;
  /** Throws if a read found a damaged page, or the file is no longer at its path. */
  assertWhole(): void;
  close(): void;
}

export const openVersion = (path: string): OpenVersion => {
  const db = openReadConnection(path, VERSION_FILE);
  const queries = queriesOn(db);
  const activity = activityOn(db);
  const isInPlace = watchDatabaseFile(path);
  return {
    path,
    reads: documentReads(db),
    queries,
    activity,
    fedAt: null,
    noteSaved: ({ days }) => {
      queries.noteSaved(days.map(({ animeId }) => animeId));
      activity.noteSaved(days);
    },
    assertWhole: () => {
      const damage = db.damage();
      if (damage !== undefined) throw damage;
      if (!isInPlace()) throw new UnavailableError(READ_MODELS_LOST);
    },
    close: () => db.close(),
  };
};

const READ_MODELS_LOST =
  'The read models were removed, moved or replaced under the running service. Restart it: what is ' +
  'missing is computed again from the log.';

/** Throws if the store is closed or the version is gone. */
export type FindVersion = () => OpenVersion;

/** Runs synchronous work as a promise that rejects with whatever it throws. */
export const inPromise = <T>(work: () => T): Promise<T> =>
  new Promise((resolve) => {
    resolve(work());
  });

/** The documents of a version: read synchronously on this thread, written by the writer thread. */
export const createEmbeddedDocuments = (
  find: FindVersion,
  writer: DocumentWriter,
  saved: (animes: readonly AnimeDocument[]) => void,
): DocumentStore => ({
  animes: (ids) => inPromise(() => find().reads.animes(ids)),
  interactions: (keys) => inPromise(() => find().reads.interactions(keys)),
  days: (keys) => inPromise(() => find().reads.days(keys)),

  save: async (batch) => {
    const version = find();
    const save = { kind: 'save', rows: batchRowsOf(batch) } as const;
    const { refused, refusedAnimes } = await writer.order(version.path, save);
    version.noteSaved(batch);
    saved(batch.animes.filter((_, place) => !refusedAnimes.includes(place)));
    return { refused };
  },

  flushed: () =>
    inPromise(() => {
      const text = find().reads.flushed();
      return text === undefined ? null : positionFromText(text);
    }),

  setFlushed: async (position) => {
    await writer.order(find().path, { kind: 'flushed', position: textOfPosition(position) });
  },

  noteFed: (at) => inPromise(() => void (find().fedAt = at)),
  fedAt: () => inPromise(() => find().fedAt),

  allAnimes: () =>
    pages(
      (after: number | null, limit) => inPromise(() => find().reads.animesAfter(after, limit)),
      ({ animeId }) => animeId,
    ),

  allInteractions: (id) =>
    pages(
      (after: string | null, limit) =>
        inPromise(() => find().reads.interactionsAfter(id, after, limit)),
      ({ userId }) => userId,
    ),

  allDays: (id) =>
    pages(
      (after: string | null, limit) => inPromise(() => find().reads.daysAfter(id, after, limit)),
      ({ day }) => day,
    ),
});

/** A position as text: its 64-bit halves do not fit in a number. */
const textOfPosition = ({ commit, prepare }: Position): string => `${commit}/${prepare}`;

const positionFromText = (text: string): Position => {
  const [commit = '', prepare = ''] = text.split('/');
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
};

const OF_ANIME = `
  SELECT day, clicks, views, ratings, seconds FROM days
  WHERE anime_id = ? AND day >= ? AND day <= ? AND total > 0 ORDER BY day`;

const FIRST_DAY = 'SELECT min(day) FROM days WHERE day >= ? AND day <= ?';
const NEXT_DAY = 'SELECT min(day) FROM days WHERE day > ? AND day <= ?';

/** Served by the index alone. */
const TOTALS_OF_DAY = `
  SELECT sum(clicks), sum(views), sum(ratings), sum(seconds) FROM days WHERE day = ?`;

const MAX_CACHED_DAYS = 4000;

type Sums = [clicks: number, views: number, ratings: number, seconds: number];

/** Activity per day. The totals of a day are cached until one of its documents is saved. */
const activityOn = (db: ReadConnection) => {
  const cached = new LRUCache<string, ActivityOfDay>({ max: MAX_CACHED_DAYS });

  return {
    of: (animeId: AnimeId, { from, to }: DayRange): ActivityOfDay[] =>
      db.all(OF_ANIME, animeId, nulFree(from), nulFree(to)).map((row) => {
        const [day, ...sums] = row as [string, ...Sums];
        return activityOfDay(day, sums);
      }),

    /** The first day in the range with a document, or the next one after another day. */
    nextDay: (after: string | null, { from, to }: DayRange): string | null => {
      const row =
        after === null
          ? db.get(FIRST_DAY, nulFree(from), nulFree(to))
          : db.get(NEXT_DAY, after, nulFree(to));
      return (row as [string | null])[0];
    },

    cachedTotals: (day: string): ActivityOfDay | undefined => cached.get(day),

    totals: (day: string): ActivityOfDay => {
      const totals = activityOfDay(day, db.get(TOTALS_OF_DAY, day) as Sums);
      cached.set(day, totals);
      return totals;
    },

    /** Documents of these days were saved. */
    noteSaved: (days: readonly DayKey[]): void => {
      for (const { day } of days) cached.delete(nulFree(day));
    },
  };
};

export type Activity = ReturnType<typeof activityOn>;

const activityOfDay = (day: string, [clicks, views, ratings, seconds]: Sums): ActivityOfDay => ({
  day: withNul(day),
  clicks,
  views,
  ratings,
  seconds,
});

/** Adds up one day per turn of the event loop, because a day may have a document per anime. */
export const totalActivity = async (
  activity: () => Activity,
  range: DayRange,
): Promise<readonly ActivityOfDay[]> => {
  const found: ActivityOfDay[] = [];
  const nextDay = (after: string | null) => activity().nextDay(after, range);
  for (let day = nextDay(null); day !== null; day = nextDay(day)) {
    const known = activity().cachedTotals(day);
    if (known === undefined) await nextTurn();
    found.push(known ?? activity().totals(day));
  }
  return found.filter(({ clicks, views, ratings }) => clicks + views + ratings > 0);
};
