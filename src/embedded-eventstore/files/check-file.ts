import { type Database, openDatabase, withNul } from '../sqlite.js';
import { METADATA_TYPE, metastreamOf, parseMetadata } from '../log/stream-metadata.js';
import { TOMBSTONE } from '../log/writer-protocol.js';

/** What a check of one file found. */
export interface FileCheck {
  /** One sentence each, at most 100; empty where the file is sound. */
  readonly problems: readonly string[];
  /** Of an event log only. */
  readonly log?: LogCounts;
}

export interface LogCounts {
  readonly streams: number;
  readonly events: number;
  /** The position of the last event; 0 without one. */
  readonly lastPosition: number;
}

const MAX_PROBLEMS = 100;

/** Checks a file of SQLite, and with `isLog` the events in it. Beside a writer it sees one commit. */
export const checkFile = (path: string, isLog: boolean): FileCheck => {
  const db = openDatabase(path, { readOnly: true });
  try {
    db.exec('BEGIN');
    const problems = pagesOf(db);
    // The events of damaged pages cannot be told.
    if (!isLog || problems.length > 0) return { problems };
    return {
      problems: [...holesIn(db), ...disorderIn(db), ...orphansIn(db)].slice(0, MAX_PROBLEMS),
      log: countsOf(db),
    };
  } catch (error) {
    return { problems: [error instanceof Error ? error.message : String(error)] };
  } finally {
    db.close();
  }
};

const rowsOf = (db: Database, sql: string): unknown[] => {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  return statement.all();
};

const pagesOf = (db: Database): string[] =>
  rowsOf(db, `PRAGMA integrity_check(${MAX_PROBLEMS})`)
    .map((row) => (row as [string])[0])
    .filter((found) => found !== 'ok');

const countsOf = (db: Database): LogCounts => {
  const [streams = 0, events = 0] = ['streams', 'events'].map((table) =>
    Number(valueOf(db, `SELECT count(*) FROM ${table}`)),
  );
  const lastPosition = Number(valueOf(db, 'SELECT coalesce(max(position), 0) FROM events'));
  return { streams, events, lastPosition };
};

const valueOf = (db: Database, sql: string): unknown => (rowsOf(db, sql)[0] as unknown[])[0];

type LimitedStream = [name: string, count: number, first: number, last: number];

/** A stream starts at revision 0 unless it was scavenged, which deletes what `$maxCount` hides. */
const UNLIMITED = `
  SELECT s.name, count(*), min(e.revision), max(e.revision)
  FROM events e JOIN streams s ON s.id = e.stream LEFT JOIN retention r ON r.stream = e.stream
  WHERE r.stream IS NULL AND e.revision < ${TOMBSTONE}
  GROUP BY e.stream HAVING count(*) <> max(e.revision) + 1`;

/** Of a stream with `$maxCount`, what readers see has no holes; what is hidden may be gone. */
const LIMITED_STREAMS_WITH_GAPS = `
  SELECT s.name, count(*), min(e.revision), max(e.revision)
  FROM retention r JOIN streams s ON s.id = r.stream JOIN events e ON e.stream = r.stream
  WHERE e.revision < ${TOMBSTONE}
    AND e.revision > (SELECT max(revision) FROM events WHERE stream = r.stream) - r.max_count
  GROUP BY e.stream HAVING count(*) <> max(e.revision) - min(e.revision) + 1`;

/** The data of the last metadata of a stream. */
const LAST_METADATA = `
  SELECT substr(payload, 1, data_length) FROM events
  WHERE stream = (SELECT id FROM streams WHERE name = ?) ORDER BY revision DESC LIMIT 1`;

/** The part of a stream that `$tb` leaves visible. */
const VISIBLE = `
  SELECT count(*), min(revision), max(revision) FROM events
  WHERE stream = (SELECT id FROM streams WHERE name = ?) AND revision >= ? AND revision < ${TOMBSTONE}`;

const holesIn = (db: Database): string[] => {
  const [metadata, visible] = [LAST_METADATA, VISIBLE].map((sql) => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  });
  /** It has metadata, which hid or hide what is gone; `$maxCount` may have been taken away since. */
  const isExplained = ([name, count, first, last]: LimitedStream): boolean => {
    const found = metadata?.get(metastreamOf(name)) as [Uint8Array] | undefined;
    if (found === undefined) return false;
    if (count === last - first + 1) return true;
    const { truncateBefore } = parseMetadata({ type: METADATA_TYPE, data: found[0] });
    if (truncateBefore === 0) return false;
    const from = Math.min(truncateBefore, TOMBSTONE);
    const [seen, low, high] = visible?.get(name, from) as [number, number | null, number | null];
    return low === null || high === null || seen === high - low + 1;
  };
  const unlimited = (rowsOf(db, UNLIMITED) as LimitedStream[]).filter((row) => !isExplained(row));
  return [...unlimited, ...(rowsOf(db, LIMITED_STREAMS_WITH_GAPS) as LimitedStream[])].map(
    ([name, count, first, last]) =>
      `Stream ${withNul(name)} has holes: ${count} events from revision ${first} to ${last}.`,
  );
};

const DISORDERED = `
  SELECT s.name, o.revision FROM (
    SELECT stream, revision, position,
      lag(position) OVER (PARTITION BY stream ORDER BY revision) AS before
    FROM events) o JOIN streams s ON s.id = o.stream
  WHERE o.position <= o.before LIMIT ${MAX_PROBLEMS}`;

const disorderIn = (db: Database): string[] =>
  (rowsOf(db, DISORDERED) as [string, number][]).map(
    ([name, revision]) =>
      `Stream ${withNul(name)}: the position of revision ${revision} is not after the one before it.`,
  );

const orphansIn = (db: Database): string[] =>
  (
    rowsOf(
      db,
      `SELECT DISTINCT stream FROM events WHERE stream NOT IN (SELECT id FROM streams) LIMIT ${MAX_PROBLEMS}`,
    ) as [number][]
  ).map(([stream]) => `Events belong to the stream with number ${stream}, which has no name.`);
