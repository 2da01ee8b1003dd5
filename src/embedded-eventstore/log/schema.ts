import { type Database, holdsTables, openPrepared, pragma } from '../sqlite.js';

/** The log in its directory. */
export const LOG_FILE = 'events.db';

/** Marks a file as an event log of this service: `AnEv` in ASCII. */
const APPLICATION_ID = 0x416e4576;

/**
 * Step n migrates a file from version n to n+1; released steps are never changed.
 *
 * Data and metadata share one BLOB, because the cost of reading a row is mostly the cost of its
 * BLOBs. Positions grow like byte offsets, so a range of positions also bounds the bytes.
 */
const STEPS = [
  `
  CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    created INTEGER NOT NULL,
    is_json INTEGER NOT NULL,
    data_length INTEGER NOT NULL,
    payload BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_by_stream ON events (stream, revision);
  CREATE TABLE retention (stream INTEGER PRIMARY KEY, max_count INTEGER NOT NULL) STRICT;
  `,
  `
  CREATE TABLE link_streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE links (
    link_stream INTEGER NOT NULL,
    number INTEGER NOT NULL,
    position INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    target BLOB,
    PRIMARY KEY (link_stream, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE links_reached (id INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;
  `,
  'ALTER TABLE links_reached ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;',
  `
  CREATE TABLE projections (
    id INTEGER PRIMARY KEY,
    definition TEXT NOT NULL,
    run INTEGER NOT NULL,
    checkpoint TEXT NOT NULL
  ) STRICT;
  CREATE TABLE projection_states (
    run INTEGER NOT NULL,
    partition TEXT NOT NULL,
    state TEXT,
    result TEXT,
    PRIMARY KEY (run, partition)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE projection_streams (
    projection INTEGER NOT NULL,
    stream TEXT NOT NULL,
    PRIMARY KEY (projection, stream)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE projection_runs_left (run INTEGER PRIMARY KEY) STRICT;
  `,
];

/**
 * FULL: a commit returns when it is on disk and survives a power loss. Checkpoints have a thread; should it be
 * behind, the writer moves 64 MB by itself. A larger page cache gained nothing in measurements: misses are served
 * from the operating system's cache.
 */
const configure = (db: Database): void =>
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 16000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -4000;
  `);

const migrate = (db: Database, path: string): void => {
  const version = pragma(db, 'user_version') as number;
  const owner = pragma(db, 'application_id');
  if (owner !== APPLICATION_ID && (version !== 0 || owner !== 0 || holdsTables(db))) {
    throw new Error(`${path} is not an event log of this service.`);
  }
  if (version > STEPS.length) {
    throw new Error(`${path} was written by a newer version of this service (${version}).`);
  }
  for (const [step, sql] of [...STEPS.entries()].slice(version)) {
    db.exec(`
      BEGIN IMMEDIATE;
      ${sql}
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${step + 1};
      COMMIT;
    `);
  }
};

/** A connection to the log's file, which is created or migrated first. */
export const openLogFile = (path: string): Database =>
  openPrepared(path, (db) => {
    configure(db);
    migrate(db, path);
  });
