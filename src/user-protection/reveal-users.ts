import { isUserId, type UserId } from '../domain/ids.js';
import { jsonObjectIn } from '../ports/json.js';
import type { UserKeys } from '../ports/user-keys.js';
import { standInIn } from '../wire/protected-user.js';
import { unseal } from './ciphers.js';
import { type MasterKeys, readStoreKey, wrappingKeyIn } from './store-key.js';

/** The user id of an event's data: null once the user is forgotten, undefined where it is not protected. */
export type RevealUser = (data: Uint8Array) => Promise<UserId | null | undefined>;

/** Reads the user ids of protected events. Rejects with WrongMasterKeyError for another master key. */
export const openRevealUser = async (
  keys: Pick<UserKeys, 'findSubject' | 'storeKey'>,
  masterKeys: MasterKeys,
): Promise<RevealUser> => {
  const storeKey = await readStoreKey(keys, masterKeys);
  const wrapping = storeKey === null ? null : wrappingKeyIn(storeKey);
  return async (data) => {
    const { subject, userIdEncrypted: sealed } = jsonObjectIn(data) ?? {};
    if (standInIn(subject) === undefined || typeof sealed !== 'string') return undefined;
    const found = wrapping === null ? null : await keys.findSubject(String(subject));
    if (wrapping === null || found === null) return null;
    const key = unseal(wrapping, found.wrappedKey, found.subject);
    const userId = key && unseal(key, sealed, found.subject)?.toString('utf8');
    return isUserId(userId) ? userId : null;
  };
};
