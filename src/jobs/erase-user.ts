import { requireDataDirectory, lockDataDirectory } from '../compose/data-directory.js';
import { isMongodb } from '../compose/read-store.js';
import type { Stores } from '../compose/stores.js';
import { openUsers } from '../compose/user-protection.js';
import { openUnownedEventStore } from '../compose/write-side.js';
import { isUserId } from '../domain/ids.js';
import { ConfigError } from '../platform/config/config.js';
import type { JobDependencies, JobOutput, OwnDependencies } from './job.js';

type ErasureStores = Pick<Stores, 'eraseUser'>;

/**
 * The log and the key store. Rejects with DirectoryInUseError where a service owns them: it must do it
 * itself, since it has keys in memory.
 */
export const openStoresForErasure = async (
  dependencies: OwnDependencies,
): Promise<ErasureStores> => {
  const { config } = dependencies;
  const embedded = config.eventStore.url === '';
  if (embedded || !isMongodb(config)) await requireDataDirectory(config, { log: embedded });
  if (!embedded && !isMongodb(config)) await lockDataDirectory(dependencies);
  const eventStore = await openUnownedEventStore(dependencies);
  const users = await openUsers(dependencies, eventStore);
  return { eraseUser: () => Promise.resolve(users?.eraseUser ?? null) };
};

/** Forgets a person. Returns false where events hold the user id in plain text. */
export const eraseUser = async (
  { signal }: Pick<JobDependencies, 'signal'>,
  stores: ErasureStores,
  userId: string,
  { print, report }: JobOutput,
): Promise<boolean> => {
  if (!isUserId(userId)) throw new ConfigError('erase-user needs the id of a user.');
  const erase = await stores.eraseUser();
  if (erase === null) {
    throw new ConfigError(
      'USER_ID_MASTER_KEY: without it user ids are kept in plain text, which cannot be erased.',
    );
  }
  const notErased = await erase(userId, signal);
  report({ notErased });
  print('The user is forgotten.');
  const { events, streams } = notErased;
  if (events === 0) return true;
  print(
    `${events} events hold the id in plain text and cannot be erased: ${streams.join(', ')}. Copy the log with copy-log --encrypt.`,
  );
  return false;
};
