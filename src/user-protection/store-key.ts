import type { UserKeys } from '../ports/user-keys.js';
import { deriveKey, newKey, seal, unseal } from './ciphers.js';

export interface MasterKeys {
  readonly current: Uint8Array;
  /** The one before it, where it was just replaced. */
  readonly previous?: Uint8Array | undefined;
}

/** The key store was made with another master key. Nothing was written. */
export class WrongMasterKeyError extends Error {
  override readonly name = 'WrongMasterKeyError';
}

const CONTEXT = 'store key';

/**
 * The key that wraps the users' keys, made where the key store is new. Wraps it anew where it opens
 * only with the previous master key; rejects with WrongMasterKeyError where it opens with neither.
 */
export const openStoreKey = async (keys: UserKeys, masterKeys: MasterKeys): Promise<Uint8Array> => {
  const { current } = masterKeys;
  const wrapped = (await keys.storeKey()) ?? (await make(keys, current));
  const { storeKey, isOutdated } = unwrapped(wrapped, masterKeys);
  if (isOutdated) await keys.replaceStoreKey(wrapped, seal(current, storeKey, CONTEXT));
  return storeKey;
};

/** The same without a write: null where the key store is new. */
export const readStoreKey = async (
  keys: Pick<UserKeys, 'storeKey'>,
  masterKeys: MasterKeys,
): Promise<Uint8Array | null> => {
  const wrapped = await keys.storeKey();
  return wrapped === null ? null : unwrapped(wrapped, masterKeys).storeKey;
};

const make = (keys: UserKeys, masterKey: Uint8Array): Promise<string> =>
  keys.keepStoreKey(seal(masterKey, newKey(), CONTEXT));

const unwrapped = (wrapped: string, { current, previous }: MasterKeys) => {
  const opened = unseal(current, wrapped, CONTEXT);
  if (opened !== undefined) return { storeKey: opened, isOutdated: false };
  const before = previous === undefined ? undefined : unseal(previous, wrapped, CONTEXT);
  if (before === undefined) throw new WrongMasterKeyError();
  return { storeKey: before, isOutdated: true };
};

/** The key that wraps those of the users. */
export const wrappingKeyIn = (storeKey: Uint8Array): Uint8Array => deriveKey(storeKey, 'user keys');

/** The key of the hashes by which users are found. */
export const hashKeyIn = (storeKey: Uint8Array): Uint8Array => deriveKey(storeKey, 'user hashes');
