import type { SqlValue } from '../../../embedded-eventstore/sqlite.js';
import type { UserKey } from '../../../ports/user-protection.js';
import type { FileKind } from '../read-store/file.js';

export const USER_KEYS_FILE = 'user-keys.db';

/** A key must be on disk before an event names its subject. What is deleted is overwritten. */
export const USER_KEYS: FileKind = {
  applicationId: 0x416e556b,
  schemaVersion: 1,
  settings: 'PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;',
  remedy: (path) =>
    `The key store ${path} cannot be read by this version of the service. Restore it from a backup: ` +
    'without it, everybody whose user id is protected is forgotten.',
  schema: `
    CREATE TABLE user_keys (
      hash TEXT PRIMARY KEY,
      subject TEXT NOT NULL UNIQUE,
      wrapped_key TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE store_key (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      wrapped TEXT NOT NULL
    ) STRICT;`,
};

/** What the writer thread does; the first ones on a hash or on the store key win. */
export type KeyWrite =
  | { readonly kind: 'keep'; readonly key: UserKey }
  | { readonly kind: 'remove'; readonly subject: string }
  | { readonly kind: 'keep-store-key'; readonly wrapped: string }
  | { readonly kind: 'replace-store-key'; readonly present: string; readonly next: string };

export const statementOf = (write: KeyWrite): readonly [sql: string, ...values: SqlValue[]] => {
  switch (write.kind) {
    case 'keep': {
      const { hash, subject, wrappedKey } = write.key;
      return [
        'INSERT INTO user_keys VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
        hash,
        subject,
        wrappedKey,
      ];
    }
    case 'remove':
      return ['DELETE FROM user_keys WHERE subject = ?', write.subject];
    case 'keep-store-key':
      return ['INSERT INTO store_key VALUES (1, ?) ON CONFLICT DO NOTHING', write.wrapped];
    case 'replace-store-key':
      return ['UPDATE store_key SET wrapped = ? WHERE wrapped = ?', write.next, write.present];
  }
};
