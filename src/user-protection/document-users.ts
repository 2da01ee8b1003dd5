import type { UserId } from '../domain/ids.js';
import type { UserKeys } from '../ports/user-keys.js';
import type { DocumentUsers } from '../ports/user-protection.js';
import { standInFor } from '../wire/protected-user.js';
import { keyedHash } from './ciphers.js';
import { hashKeyIn, type MasterKeys, readStoreKey } from './store-key.js';

/**
 * Finds people's documents, and writes nothing. Asks the key store every time: someone forgotten is not
 * found from then on. Rejects with WrongMasterKeyError where the key store was made with another one.
 */
export const openDocumentUsers = async (
  keys: Pick<UserKeys, 'find' | 'storeKey'>,
  masterKeys: MasterKeys,
): Promise<DocumentUsers> => {
  const hashKey = async () => {
    const storeKey = await readStoreKey(keys, masterKeys);
    return storeKey === null ? null : hashKeyIn(storeKey);
  };
  let hashing = await hashKey();

  const subjectOf = async (userId: UserId): Promise<string | null> => {
    // The first command may have made the key store meanwhile.
    hashing ??= await hashKey();
    if (hashing === null) return null;
    return (await keys.find(keyedHash(hashing, userId)))?.subject ?? null;
  };

  return async (userId) => {
    const subject = await subjectOf(userId);
    return subject === null ? [userId] : [userId, standInFor(subject)];
  };
};
