import { openEmbeddedUserKeys } from '../adapters/embedded/user-keys/user-keys.js';
import { type Config, ConfigError, masterKeyIn } from '../platform/config/config.js';
import { directoryError } from '../platform/config/system-errors.js';
import type { EventStore } from '../ports/event-store.js';
import type {
  DocumentUsers,
  EraseUser,
  UserKeys,
  UserProtection,
} from '../ports/user-protection.js';
import {
  openDocumentUsers,
  openRevealUser,
  type RevealUser,
} from '../user-protection/user-protection.js';
import {
  createEraseUser,
  createForgottenUsers,
  isKeyStoreNoted,
  noteKeyStore,
} from '../user-protection/forgotten-users.js';
import { type MasterKeys, WrongMasterKeyError } from '../user-protection/ciphers.js';
import { openUserProtection } from '../user-protection/user-protection.js';
import type { Dependencies } from './dependencies.js';
import { isMongodb } from './read-store.js';
import { mongodbServer } from './servers.js';
import { whenAvailable } from './when-available.js';

type KeyDependencies = Pick<Dependencies, 'config' | 'logger' | 'lifecycle' | 'servers'> &
  Partial<Pick<Dependencies, 'health'>> & { readonly signal: AbortSignal };

/** How long another process may still use the key of a forgotten user. */
const FOLLOW_EVERY_MS = 5_000;

export interface OpenedUsers {
  /** For new events; null where they hold plain user ids. */
  readonly protection: UserProtection | null;
  readonly eraseUser: EraseUser;
}

const hasMasterKey = ({ userIds }: Config): boolean => userIds.masterKey !== '';

/** The key store with its protection; null where there is no master key. Follows who is forgotten. */
export const openUsers = async (
  dependencies: KeyDependencies,
  store: EventStore,
): Promise<OpenedUsers | null> => {
  const { config, logger, lifecycle, health } = dependencies;
  if (!hasMasterKey(config)) return null;
  const keys = await openKeys(dependencies, { readOnly: false });
  health?.register('user-keys', () => keys.ping());
  if (config.userIds.keyStore === 'auto') await refuseLostKeys(keys, store);
  const protection = await withRightKey(() =>
    openUserProtection({ keys, masterKeys: masterKeysOf(config) }),
  );
  await noteKeyStore(store);
  const forgotten = createForgottenUsers({
    store,
    forget: (subject) => protection.forget(subject),
    logger,
  });
  // A key store from a backup may hold keys of people who were forgotten since.
  await forgotten.catchUp(dependencies.signal);
  const stop = new AbortController();
  await lifecycle.open(
    'forgotten users',
    () => ({ following: forgotten.follow(FOLLOW_EVERY_MS, stop.signal) }),
    async ({ following }) => {
      stop.abort();
      await following;
    },
  );
  return {
    protection: config.userIds.protection === 'encrypt' ? protection : null,
    eraseUser: createEraseUser({ store, protection, now: () => new Date() }),
  };
};

/** For queries: the user ids under which documents are stored. */
export const openUsersOfDocuments = async (
  dependencies: KeyDependencies,
): Promise<DocumentUsers> => {
  const { config } = dependencies;
  if (!hasMasterKey(config)) return (userId) => Promise.resolve([userId]);
  const keys = await openKeys(dependencies, { readOnly: true });
  return withRightKey(() => openDocumentUsers(keys, masterKeysOf(config)));
};

/** For an export: the user ids of events. */
export const openUsersOfEvents = async (dependencies: KeyDependencies): Promise<RevealUser> => {
  const { config } = dependencies;
  if (!hasMasterKey(config)) {
    throw new ConfigError('USER_ID_MASTER_KEY: user ids cannot be decrypted without it.');
  }
  const keys = await openKeys(dependencies, { readOnly: true });
  return withRightKey(() => openRevealUser(keys, masterKeysOf(config)));
};

/** For a copy of a log whose events shall hold no user id in plain text. */
export const openUsersOfCopy = async (dependencies: KeyDependencies): Promise<UserProtection> => {
  const { config } = dependencies;
  if (!hasMasterKey(config)) {
    throw new ConfigError('USER_ID_MASTER_KEY: user ids cannot be encrypted without it.');
  }
  const keys = await openKeys(dependencies, { readOnly: false });
  return withRightKey(() => openUserProtection({ keys, masterKeys: masterKeysOf(config) }));
};

const openKeys = (
  dependencies: KeyDependencies,
  { readOnly }: { readonly readOnly: boolean },
): Promise<UserKeys> => {
  const { config, logger, lifecycle, signal, servers } = dependencies;
  const { url, database, timeoutMs } = config.mongodb;
  const open = async (): Promise<UserKeys> => {
    if (!isMongodb(config)) {
      return openEmbeddedUserKeys(config).catch((error: unknown) => {
        throw directoryError('DATA_DIR', config.dataDir, error);
      });
    }
    // An embedded service starts faster, and is smaller, without the driver.
    const { openMongodbUserKeys } = await import('../adapters/mongodb/user-keys.js');
    return whenAvailable(() => openMongodbUserKeys({ url, database, timeoutMs, readOnly }), {
      server: mongodbServer(config),
      logger,
      signal,
      onWait: servers?.waits,
    });
  };
  return lifecycle.open('key store', open, (keys) => keys.close());
};

/** A new key store for a log that already had one would silently erase every user. */
const refuseLostKeys = async (keys: UserKeys, store: EventStore): Promise<void> => {
  // In this order: a process that makes the key store notes it afterwards.
  if (!(await isKeyStoreNoted(store)) || (await keys.storeKey()) !== null) return;
  throw new ConfigError(
    'USER_ID_KEY_STORE: the key store of this log is not there, without which everybody is forgotten. Restore it, or set USER_ID_KEY_STORE=new to go on with a new one.',
  );
};

const masterKeysOf = ({ userIds }: Config): MasterKeys => {
  const current = masterKeyIn(userIds.masterKey);
  if (current === undefined) throw new ConfigError('USER_ID_MASTER_KEY: it is no key.');
  return { current, previous: masterKeyIn(userIds.previousMasterKey) };
};

const withRightKey = async <T>(open: () => Promise<T>): Promise<T> => {
  try {
    return await open();
  } catch (error) {
    throw error instanceof WrongMasterKeyError ? new ConfigError(OTHER_MASTER_KEY) : error;
  }
};

const OTHER_MASTER_KEY =
  'USER_ID_MASTER_KEY: the key store was made with another master key. Set that one; to replace it, set it as USER_ID_MASTER_KEY_PREVIOUS.';
