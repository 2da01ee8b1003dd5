import { dirname } from 'node:path';
import { type Database, transaction } from '../../../embedded-eventstore/sqlite.js';
import type { VersionRecord } from '../../../ports/read-store.js';
import { findVersion } from '../../read-store/version-rules.js';
import { closeWriting, type FileKind, openForWriting, withStorePortErrors } from './file.js';

/**
 * Documents are derived, so a commit may return before it is on disk. Commits reach the disk in
 * order, so a stored position implies the documents it covers. The writer thread checkpoints the
 * write-ahead log itself when idle. A statement for several rows journals the pages that it changes, to
 * undo a part of them: in memory, because a file would be written as often as the documents' own.
 */
const DERIVED = `
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 0;
  PRAGMA temp_store = MEMORY;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA cache_size = -8000;
`;

export const remedyForReadModels = (path: string): string =>
  `The read models in ${dirname(path)} cannot be read by this version of the service. ` +
  'Nothing is lost: stop the service and delete that directory; they are recomputed from the log.';

/** The list of versions. */
const CATALOGUE_FILE: FileKind = {
  applicationId: 0x416e5256,
  schemaVersion: 1,
  settings: 'PRAGMA synchronous = FULL;',
  remedy: remedyForReadModels,
  schema: `
    CREATE TABLE versions (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      state TEXT NOT NULL,
      log_id TEXT NOT NULL,
      created_at TEXT NOT NULL,
      fingerprint TEXT
    ) STRICT;
    CREATE UNIQUE INDEX one_active ON versions (state) WHERE state = 'active';
  `,
};

/**
 * The first releases had no fingerprints. The schema version stays the same: an older release still
 * reads and writes the other columns.
 */
const ADD_FINGERPRINT = 'ALTER TABLE versions ADD COLUMN fingerprint TEXT';

/** The first releases had no store identity either. The first writing connection creates it. */
const IDENTITY = `
  CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL) STRICT;
  INSERT INTO identity SELECT lower(hex(randomblob(6))) WHERE NOT EXISTS (SELECT * FROM identity);
`;

const INSERT_TITLE = `
      INSERT INTO titles SELECT new.anime_id, new.facets ->> 'title', new.facets ->> 'type',
        new.facets ->> 'score', new.facets ->> 'popularity', new.facets ->> 'genreSet'
      WHERE new.facets IS NOT NULL`;

const INSERT_GENRES = `
      INSERT INTO title_genres
        SELECT value ->> 0, value ->> 1, new.anime_id FROM json_each(new.facets, '$.genres')`;

/**
 * The documents of one version. The title tables serve searches of listed anime. Triggers maintain
 * them, so that a save that changes only counters does not touch them.
 */
export const VERSION_FILE: FileKind = {
  applicationId: 0x416e5264,
  schemaVersion: 2,
  settings: DERIVED,
  remedy: remedyForReadModels,
  schema: `
    CREATE TABLE flushed (id INTEGER PRIMARY KEY CHECK (id = 1), position TEXT NOT NULL) STRICT;

    CREATE TABLE interactions (
      anime_id INTEGER NOT NULL,
      user_id TEXT NOT NULL,
      generation INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      clicks INTEGER NOT NULL,
      views INTEGER NOT NULL,
      seconds INTEGER NOT NULL,
      last_click ANY,
      last_view ANY,
      ratings TEXT,
      PRIMARY KEY (anime_id, user_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE days (
      anime_id INTEGER NOT NULL,
      day TEXT NOT NULL,
      generation INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      clicks INTEGER NOT NULL,
      views INTEGER NOT NULL,
      ratings INTEGER NOT NULL,
      seconds INTEGER NOT NULL,
      total INTEGER NOT NULL,
      PRIMARY KEY (anime_id, day)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX days_by_day ON days (day, anime_id, total, clicks, views, ratings, seconds);

    CREATE TABLE animes (
      anime_id INTEGER PRIMARY KEY,
      generation INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      views INTEGER NOT NULL,
      average REAL,
      rating_count INTEGER NOT NULL,
      facets TEXT,
      document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX animes_by_views ON animes (views DESC, anime_id) WHERE facets IS NOT NULL;
    CREATE INDEX animes_by_rating ON animes (average DESC, rating_count DESC, anime_id)
      WHERE facets IS NOT NULL AND rating_count > 0;

    CREATE TABLE titles (
      anime_id INTEGER PRIMARY KEY,
      title TEXT NOT NULL,
      type TEXT,
      score REAL,
      popularity INTEGER,
      genres TEXT NOT NULL
    ) STRICT;
    CREATE INDEX titles_by_title ON titles (title, anime_id);
    CREATE INDEX titles_by_score ON titles (score DESC, anime_id);
    CREATE INDEX titles_by_popularity ON titles (popularity IS NULL, popularity, anime_id);

    -- A title has each genre in one spelling; genres are told apart by their keys.
    CREATE TABLE title_genres (
      key TEXT NOT NULL,
      genre TEXT NOT NULL,
      anime_id INTEGER NOT NULL,
      PRIMARY KEY (key, genre, anime_id)
    ) STRICT, WITHOUT ROWID;

    -- Counts the changes of what titles are searched by.
    CREATE TABLE catalogue (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL) STRICT;
    INSERT INTO catalogue VALUES (1, 0);

    CREATE TRIGGER anime_saved_first AFTER INSERT ON animes
    WHEN new.facets IS NOT NULL BEGIN
      ${INSERT_TITLE};
      ${INSERT_GENRES};
      UPDATE catalogue SET epoch = epoch + 1;
    END;
    CREATE TRIGGER anime_revised AFTER UPDATE OF facets ON animes
    WHEN old.facets IS NOT new.facets BEGIN
      DELETE FROM titles WHERE anime_id = old.anime_id;
      DELETE FROM title_genres WHERE anime_id = old.anime_id
        AND (key, genre) IN
          (SELECT value ->> 0, value ->> 1 FROM json_each(old.facets, '$.genres'));
      ${INSERT_TITLE};
      ${INSERT_GENRES};
      UPDATE catalogue SET epoch = epoch + 1;
    END;
  `,
};

/**
 * Finds the interactions of a user. Created at the first pause after saves, or when first needed:
 * maintaining it during the first computation costs a third of the time, creating it afterwards
 * hardly anything.
 */
export const INDEX_BY_USER =
  'CREATE INDEX IF NOT EXISTS interactions_by_user ON interactions (user_id, anime_id)';

/** A version and the number that names its file. */
export interface NumberedVersion extends VersionRecord {
  readonly id: number;
}

/** The number of a version without a row. */
export const UNNUMBERED = 0;

export interface VersionRecords {
  readonly identity: string;
  /** Oldest first. */
  list(): readonly NumberedVersion[];
  /** Returns the versions after the change. If the change throws, nothing is changed. */
  change(
    change: (versions: readonly NumberedVersion[]) => readonly NumberedVersion[],
  ): readonly NumberedVersion[];
  close(): void;
}

/** The versions and which one is active, in a file of their own. */
export const openVersionRecords = (path: string): VersionRecords => {
  const db = openCatalogue(path);
  const { id: identity } = db.prepare('SELECT id FROM identity').get() as { readonly id: string };
  const all = db.prepare('SELECT * FROM versions ORDER BY id');
  const insert = db.prepare(
    'INSERT INTO versions (name, state, log_id, created_at, fingerprint) VALUES (?, ?, ?, ?, ?)',
  );
  const setState = db.prepare('UPDATE versions SET state = ? WHERE name = ?');
  const remove = db.prepare('DELETE FROM versions WHERE name = ?');

  const load = () => all.all().map((row) => numberedVersion(row as VersionRow, identity));

  // Cached: no other process writes here, and every request needs the active version.
  let known = load();

  const store = (next: readonly NumberedVersion[]): void => {
    for (const { name } of known) {
      if (findVersion(next, name) === undefined) remove.run(name);
    }
    const changed = next.filter(({ name, state }) => findVersion(known, name)?.state !== state);
    // A unique index allows one active version: deactivate the previous one first.
    for (const active of [false, true]) {
      for (const { id, name, state, logId, createdAt, fingerprint } of changed) {
        if ((state === 'active') !== active) continue;
        if (id === UNNUMBERED) insert.run(name, state, logId, createdAt, fingerprint);
        else setState.run(state, name);
      }
    }
  };

  return {
    identity,
    list: () => known,
    change: (change) => {
      const next = change(known);
      if (next === known) return known;
      withStorePortErrors(remedyForReadModels(path), () => transaction(db, () => store(next)));
      return (known = load());
    },
    close: () => closeWriting(db),
  };
};

const openCatalogue = (path: string): Database => {
  const db = openForWriting(path, CATALOGUE_FILE);
  const columns = db.prepare('PRAGMA table_info(versions)').all() as { readonly name: string }[];
  if (!columns.some(({ name }) => name === 'fingerprint')) db.exec(ADD_FINGERPRINT);
  transaction(db, () => db.exec(IDENTITY));
  return db;
};

interface VersionRow {
  readonly id: number;
  readonly name: string;
  readonly state: VersionRecord['state'];
  readonly log_id: string;
  readonly created_at: string;
  readonly fingerprint: string | null;
}

const numberedVersion = (row: VersionRow, identity: string): NumberedVersion => ({
  id: row.id,
  name: row.name,
  state: row.state,
  logId: row.log_id,
  createdAt: row.created_at,
  fingerprint: row.fingerprint,
  group: groupOf(row.name, identity),
});

export const groupOf = (version: string, identity: string): string => `${version}-${identity}`;

/** The record as the port defines it. */
export const recordOf = (version: NumberedVersion): VersionRecord => ({
  name: version.name,
  state: version.state,
  logId: version.logId,
  createdAt: version.createdAt,
  fingerprint: version.fingerprint,
  group: version.group,
});
