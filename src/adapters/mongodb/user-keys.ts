import { UnavailableError } from '../../ports/errors.js';
import type { UserKey, UserKeys } from '../../ports/user-protection.js';
import { connect, type ConnectionOptions, isDuplicateKey } from './connection.js';
import { ensureIndexesOf } from './version-collections.js';

type KeyDocument = Omit<UserKey, 'hash'> & { readonly _id: string };

interface StoreKeyDocument {
  readonly _id: string;
  readonly wrapped: string;
}

const STORE_KEY_ID = 'store-key';
const BY_SUBJECT = { name: 'by_subject', key: { subject: 1 } } as const;
const MAX_KEY_RACES = 20;

/** Every change is to one document, and acknowledged by a majority. */
export const openMongodbUserKeys = async ({
  readOnly = false,
  ...options
}: ConnectionOptions & {
  /** Creates no index, for a user without write access. */
  readonly readOnly?: boolean;
}): Promise<UserKeys> => {
  const connection = await connect(options);
  const { db, ask, whileOpen, timeoutMs } = connection;
  const exact = { readConcern: { level: 'majority' }, readPreference: 'primary' } as const;
  const users = db.collection<KeyDocument>('user_keys', exact);
  const store = db.collection<StoreKeyDocument>('user_keys_store', exact);
  const bounded = { maxTimeMS: timeoutMs };

  try {
    if (!readOnly) await ensureIndexesOf(connection, users, [BY_SUBJECT]);
  } catch (error) {
    await connection.close();
    throw error;
  }

  const find = async (hash: string): Promise<UserKey | null> =>
    userKeyIn(await ask(() => users.findOne({ _id: hash }, bounded)));

  const storeKey = async (): Promise<string | null> =>
    (await ask(() => store.findOne({ _id: STORE_KEY_ID }, bounded)))?.wrapped ?? null;

  const keep = async (key: UserKey): Promise<UserKey> => {
    const { hash, subject, wrappedKey } = key;
    // Another process may remove the key before it is read back: insert again.
    for (let attempt = 0; attempt < MAX_KEY_RACES; attempt += 1) {
      await ask(() => inserted(users.insertOne({ _id: hash, subject, wrappedKey })));
      const kept = await find(hash);
      if (kept !== null) return kept;
    }
    throw new UnavailableError('Other processes keep changing the key of a user.');
  };

  return {
    find: (hash) => whileOpen(() => find(hash)),
    findSubject: (subject) =>
      whileOpen(async () => userKeyIn(await ask(() => users.findOne({ subject }, bounded)))),
    keep: (key) => whileOpen(() => keep(key)),
    remove: (subject) =>
      whileOpen(async () => {
        await ask(() => users.deleteOne({ subject }));
      }),
    storeKey: () => whileOpen(storeKey),
    keepStoreKey: (wrapped) =>
      whileOpen(async () => {
        await ask(() => inserted(store.insertOne({ _id: STORE_KEY_ID, wrapped })));
        return (await storeKey()) ?? wrapped;
      }),
    replaceStoreKey: (present, next) =>
      whileOpen(async () => {
        const filter = { _id: STORE_KEY_ID, wrapped: present };
        await ask(() => store.updateOne(filter, { $set: { wrapped: next } }));
      }),
    ping: () =>
      whileOpen(async () => {
        await ask(() => db.command({ ping: 1 }));
      }),
    close: () => connection.close(),
  };
};

const userKeyIn = (document: KeyDocument | null): UserKey | null => {
  if (document === null) return null;
  const { _id: hash, subject, wrappedKey } = document;
  return { hash, subject, wrappedKey };
};

/** If another process inserted first, its document stays. */
const inserted = async (insert: Promise<unknown>): Promise<void> => {
  try {
    await insert;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
};
