import { OtherFingerprintError, PortError } from '../../../ports/errors.js';
import type { VersionRecord } from '../../../ports/read-store.js';
import type { Database } from '../../../embedded-eventstore/sqlite.js';
import { transaction } from '../../../embedded-eventstore/transaction.js';
import { closeWriting, openForWriting, translated } from './file.js';
import { ADD_FINGERPRINT, CATALOGUE_FILE, IDENTITY, remedyFor } from './schema.js';

/** A record with the number that names the version's file. */
export interface NumberedVersion {
  readonly id: number;
  readonly record: VersionRecord;
}

interface VersionRow {
  readonly id: number;
  readonly name: string;
  readonly state: VersionRecord['state'];
  readonly log_id: string;
  readonly created_at: string;
  readonly fingerprint: string | null;
}

/** Which versions there are and which one is active, in a file of their own. */
export const versionRecords = (path: string, fingerprint: string) => {
  const db = openCatalogue(path);
  const { id: identity } = db.prepare('SELECT id FROM identity').get() as { readonly id: string };
  const all = db.prepare('SELECT * FROM versions ORDER BY id');
  const insert = db.prepare(
    'INSERT INTO versions (name, state, log_id, created_at, fingerprint) VALUES (?, ?, ?, ?, ?)',
  );
  const setState = db.prepare('UPDATE versions SET state = ? WHERE name = ?');
  const remove = db.prepare('DELETE FROM versions WHERE name = ?');

  const load = () => all.all().map((row) => numbered(row as VersionRow, identity));

  // Nobody else writes here, and every request asks which version is active.
  let known = load();
  const reload = (): void => void (known = load());

  const list = (): readonly NumberedVersion[] => known;
  const find = (name: string) => known.find(({ record }) => record.name === name);
  const active = () => known.find(({ record }) => record.state === 'active');

  const existing = (name: string): NumberedVersion => {
    const version = find(name);
    if (version !== undefined) return version;
    throw new PortError('CONFLICT', 'There is no such version of the read models.', false, {
      context: { version: name },
    });
  };

  const operations = {
    list,
    find,
    active,

    /** Adds a version, or answers the one of that name as it is. */
    create: (name: string, logId: string, at: string): NumberedVersion => {
      const state = list().length === 0 ? 'active' : 'building';
      if (find(name) === undefined) insert.run(name, state, logId, at, fingerprint);
      reload();
      return existing(name);
    },

    markReady: (name: string): void => {
      if (existing(name).record.state === 'building') setState.run('ready', name);
    },

    promote: (name: string): void => {
      if (existing(name).record.fingerprint !== fingerprint) throw new OtherFingerprintError(name);
      const before = active();
      if (before?.record.name === name) return;
      if (before !== undefined) setState.run('old', before.record.name);
      setState.run('active', name);
    },

    remove: (name: string): NumberedVersion | undefined => {
      const version = find(name);
      if (version?.record.state === 'active') {
        throw new PortError('CONFLICT', 'The active version cannot be pruned.', false, {
          context: { version: name },
        });
      }
      if (version !== undefined) remove.run(name);
      return version;
    },
  };

  return {
    ...operations,
    identity,
    /** All or nothing; whatever it throws has changed nothing. */
    change: <T>(work: (records: typeof operations) => T): T => {
      try {
        return translated(remedyFor(path), () => transaction(db, () => work(operations)));
      } finally {
        reload();
      }
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

const numbered = (row: VersionRow, identity: string): NumberedVersion => {
  const { id, name, state, log_id: logId, created_at: createdAt, fingerprint } = row;
  const group = `${name}-${identity}`;
  return { id, record: { name, state, logId, createdAt, fingerprint, group } };
};
