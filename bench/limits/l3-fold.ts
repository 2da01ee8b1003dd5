import { openDatabase } from '../../src/embedded-eventstore/sqlite.js';

interface Parsed {
  readonly animeId: number;
  readonly userId?: string;
  readonly occurredAt: string;
  readonly durationSeconds?: number;
  readonly rating?: number;
}

interface User {
  clicks: number;
  views: number;
  seconds: number;
  rating: number | null;
}

interface Folded {
  clicks: number;
  views: number;
  seconds: number;
  ratingCount: number;
  ratingSum: number;
  readonly users: Map<string, User>;
  readonly days: Map<string, number>;
}

const PAGE = 2000;

/**
 * The ceiling for a rebuild: reads the embedded log's rows in order, parses them and folds them
 * into plain maps, and saves nothing. Answers events per second.
 */
export const foldLimit = (logFile: string): number => {
  const db = openDatabase(logFile);
  try {
    const select = db.prepare(
      `SELECT position, type, data_length, payload FROM events WHERE position > ? ORDER BY position LIMIT ${PAGE}`,
    );
    select.setReturnArrays(true);
    const animes = new Map<number, Folded>();
    const startedAt = performance.now();
    let events = 0;
    let after = 0;
    for (;;) {
      const rows = select.all(after) as [number, string, number, Uint8Array][];
      for (const [position, type, length, payload] of rows) {
        const json = Buffer.from(payload.buffer, payload.byteOffset, length).toString('utf8');
        fold(animes, type, JSON.parse(json) as Parsed);
        after = position;
        events += 1;
      }
      if (rows.length < PAGE) break;
    }
    return (events / (performance.now() - startedAt)) * 1000;
  } finally {
    db.close();
  }
};

const fold = (animes: Map<number, Folded>, type: string, data: Parsed): void => {
  const anime = got(animes, data.animeId, () => ({
    clicks: 0,
    views: 0,
    seconds: 0,
    ratingCount: 0,
    ratingSum: 0,
    users: new Map<string, User>(),
    days: new Map<string, number>(),
  }));
  if (data.userId === undefined) return;
  const day = data.occurredAt.slice(0, 10);
  anime.days.set(day, (anime.days.get(day) ?? 0) + 1);
  const user = got(anime.users, data.userId, () => ({
    clicks: 0,
    views: 0,
    seconds: 0,
    rating: null,
  }));
  if (type === 'ClickRegistered') {
    anime.clicks += 1;
    user.clicks += 1;
  } else if (type === 'ViewRegistered') {
    const { durationSeconds = 0 } = data;
    anime.views += 1;
    anime.seconds += durationSeconds;
    user.views += 1;
    user.seconds += durationSeconds;
  } else if (data.rating !== undefined) {
    const hundredths = Math.round(data.rating * 100);
    if (user.rating === null) anime.ratingCount += 1;
    anime.ratingSum += hundredths - (user.rating ?? 0);
    user.rating = hundredths;
  }
};

const got = <Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
};
