import { type Database, transaction } from '../../../embedded-eventstore/sqlite.js';
import type { VersionRecord } from '../../../ports/read-store.js';
import { findVersion } from '../../read-store/version-rules.js';
import { closeWriting, openForWriting, withStorePortErrors } from './file.js';
import { ADD_FINGERPRINT, CATALOGUE_FILE, IDENTITY, remedyForReadModels } from './schema.js';

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
