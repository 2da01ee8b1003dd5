import { LRUCache } from 'lru-cache';
import { damageIn, type Database } from '../sqlite.js';
import type { StoredEvent } from './append-rules.js';
import { EventLogError, type LogRecord } from './event-log.js';
import {
  createLinkReader,
  type LinkReader,
  type PrepareRead,
  type RevisionRange,
} from './links.js';
import { damagedLog, readFailure } from './log-check.js';
import { openLogFile } from './schema.js';
import { toRevision } from './writer-protocol.js';

/** Limits the memory of a page, whatever its limit in events. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** A page this small fits even with the largest events, so their sizes need no query. */
const SMALL_PAGE = 8;
const MAX_CACHED_NAMES = 20_000;

type LogEventRow = [
  position: number,
  stream: number,
  revision: number,
  id: string,
  type: string,
  created: number,
  isJson: number,
  dataLength: number,
  payload: Uint8Array,
];

/** A part of one stream; revisions are inclusive. */
interface StreamRange extends RevisionRange {
  readonly stream: number;
  readonly createdSince: number;
}

export interface LogReader {
  readonly links: LinkReader;
  readonly projections: ProjectionReader;
  streamId(name: string): number | undefined;
  lastStreamId(): number;
  lastPosition(): number;
  lastOf(stream: number): LogRecord | undefined;
  /** The part of the event at a revision that the idempotency check needs. */
  storedAt(stream: number, revision: number): StoredEvent | undefined;
  /** Events after a position, up to and including another; empty only if there are none. */
  after(position: number, upTo: number, limit: number): LogRecord[];
  before(position: number, limit: number): LogRecord[];
  /** Shorter than the limit only at the end of the range or if the page would be too large. */
  ofStream(direction: 'forwards' | 'backwards', range: StreamRange, limit: number): LogRecord[];
  close(): void;
}

/**
 * The main thread's connection to the log's file. It runs only short statements, so it never delays
 * a commit.
 */
export const openLogReader = (
  path: string,
  onDamage: (error: EventLogError) => void,
): LogReader => {
  const db = openLogFile(path);
  assertSound(db, path);
  const failed = (error: unknown): unknown => {
    const failure = readFailure(error);
    if (failure instanceof EventLogError) onDamage(failure);
    return failure;
  };
  const prepare: PrepareRead = (sql) => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return {
      get: (...parameters) => {
        try {
          return statement.get(...parameters);
        } catch (error) {
          throw failed(error);
        }
      },
      all: (...parameters) => {
        try {
          return statement.all(...parameters);
        } catch (error) {
          throw failed(error);
        }
      },
    };
  };
  const columns = 'position, stream, revision, id, type, created, is_json, data_length, payload';
  const inStream = 'stream = ? AND revision >= ? AND revision <= ? AND created >= ?';

  const streamId = prepare('SELECT id FROM streams WHERE name = ?');
  const streamName = prepare('SELECT name FROM streams WHERE id = ?');
  const lastStream = prepare('SELECT max(id) FROM streams');
  const lastEvent = prepare('SELECT max(position) FROM events');
  const top = prepare(
    `SELECT ${columns} FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1`,
  );
  const stored = prepare('SELECT id, position FROM events WHERE stream = ? AND revision = ?');
  const all = {
    window: prepare(
      `SELECT ${columns} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`,
    ),
    backwards: prepare(
      `SELECT ${columns} FROM events WHERE position < ? AND position >= ? ORDER BY position DESC LIMIT ?`,
    ),
  };
  const page = (order: 'ASC' | 'DESC') => ({
    sizes: prepare(
      `SELECT length(payload) FROM events WHERE ${inStream} ORDER BY revision ${order} LIMIT ?`,
    ),
    rows: prepare(
      `SELECT ${columns} FROM events WHERE ${inStream} ORDER BY revision ${order} LIMIT ?`,
    ),
  });
  const ofStream = { forwards: page('ASC'), backwards: page('DESC') };

  const names = new LRUCache<number, string>({ max: MAX_CACHED_NAMES });
  const nameOf = (stream: number): string => {
    const known = names.get(stream);
    if (known !== undefined) return known;
    const [name] = streamName.get(stream) as [string];
    names.set(stream, name);
    return name;
  };

  const toRecord = (row: LogEventRow): LogRecord => {
    const [position, stream, revision, id, type, created, isJson, dataLength, payload] = row;
    return {
      stream: nameOf(stream),
      revision: toRevision(revision),
      position: BigInt(position),
      id,
      type,
      created,
      isJson: isJson === 1,
      data: payload.subarray(0, dataLength),
      metadata: payload.subarray(dataLength),
    };
  };

  return {
    streamId: (name: string): number | undefined =>
      (streamId.get(name) as [number] | undefined)?.[0],
    lastStreamId: (): number => (lastStream.get() as [number | null])[0] ?? 0,
    lastPosition: (): number => (lastEvent.get() as [number | null])[0] ?? 0,

    lastOf: (stream: number): LogRecord | undefined => {
      const row = top.get(stream) as LogEventRow | undefined;
      return row === undefined ? undefined : toRecord(row);
    },
    storedAt: (stream: number, revision: number): StoredEvent | undefined => {
      const row = stored.get(stream, revision) as [string, number] | undefined;
      return row === undefined ? undefined : { id: row[0], position: row[1], revision };
    },

    after: (position: number, upTo: number, limit: number): LogRecord[] => {
      const within = Math.min(upTo, position + PAGE_BYTES);
      const rows = all.window.all(position, within, limit);
      const found = rows.length > 0 ? rows : all.window.all(within, upTo, 1);
      return (found as LogEventRow[]).map(toRecord);
    },
    before: (position: number, limit: number): LogRecord[] => {
      const within = Math.max(0, position - PAGE_BYTES);
      const rows = all.backwards.all(position, within, limit);
      const found = rows.length > 0 ? rows : all.backwards.all(within, 0, 1);
      return (found as LogEventRow[]).map(toRecord);
    },

    ofStream: (
      direction: 'forwards' | 'backwards',
      { stream, from, to, createdSince }: StreamRange,
      limit: number,
    ): LogRecord[] => {
      const { sizes, rows } = ofStream[direction];
      const fitting =
        limit <= SMALL_PAGE
          ? limit
          : countWithin(sizes.all(stream, from, to, createdSince, limit) as [number][]);
      return (rows.all(stream, from, to, createdSince, fitting) as LogEventRow[]).map(toRecord);
    },

    links: createLinkReader(prepare, nameOf),
    projections: createProjectionReader(prepare),

    close: () => db.close(),
  };
};

/** How many rows fit in a page; at least one. */
const countWithin = (sizes: readonly [number][]): number => {
  let bytes = 0;
  const tooMany = sizes.findIndex(([size]) => (bytes += size) > PAGE_BYTES);
  return tooMany === -1 ? sizes.length : Math.max(1, tooMany);
};

const CHECKED_EVENTS = 200;

/** Finds damage before anything rests on the log: anywhere in a small file, else at its end. */
const assertSound = (db: Database, path: string): void => {
  try {
    const damage = damageIn(db, path);
    if (damage !== undefined) throw damagedLog(damage);
    db.prepare(`SELECT * FROM events ORDER BY position DESC LIMIT ${CHECKED_EVENTS}`).all();
  } catch (error) {
    db.close();
    throw readFailure(error);
  }
};

/** A projection as stored; only the engine reads the texts. */
export interface StoredProjection {
  readonly id: number;
  readonly definition: string;
  readonly run: number;
  readonly checkpoint: string;
}

export interface StoredState {
  readonly state: string | null;
  readonly result: string | null;
}

interface ProjectionReader {
  list(): readonly StoredProjection[];
  lastRun(): number;
  stateOf(run: number, partition: string): StoredState | undefined;
  streamsOf(id: number): readonly string[];
}

/** What is stored of the projections, read on the log's connection. */
const createProjectionReader = (prepare: PrepareRead): ProjectionReader => {
  const all = prepare('SELECT id, definition, run, checkpoint FROM projections ORDER BY id');
  const runs = prepare(`
    SELECT max(coalesce((SELECT max(run) FROM projections), 0),
      coalesce((SELECT max(run) FROM projection_runs_left), 0))`);
  const one = prepare(
    'SELECT state, result FROM projection_states WHERE run = ? AND partition = ?',
  );
  const streams = prepare('SELECT stream FROM projection_streams WHERE projection = ?');
  return {
    list: () =>
      (all.all() as [number, string, number, string][]).map(
        ([id, definition, run, checkpoint]) => ({
          id,
          definition,
          run,
          checkpoint,
        }),
      ),
    lastRun: () => (runs.get() as [number])[0],
    stateOf: (run, partition) => {
      const row = one.get(run, partition) as [string | null, string | null] | undefined;
      return row === undefined ? undefined : { state: row[0], result: row[1] };
    },
    streamsOf: (id) => (streams.all(id) as [string][]).map(([stream]) => stream),
  };
};
