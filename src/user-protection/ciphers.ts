import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { UserKeys } from '../ports/user-protection.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SUBJECT_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

export const newKey = (): Buffer => randomBytes(KEY_BYTES);

export const newSubject = (): string => randomBytes(SUBJECT_BYTES).toString('base64url');

/** Encrypts with AES-256-GCM into nonce, ciphertext and tag, in base64url. The context is authenticated. */
export const seal = (
  key: Uint8Array,
  plain: string | Uint8Array,
  context: string,
  nonce: Uint8Array = randomBytes(NONCE_BYTES),
): string => {
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(context));
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString('base64url');
};

/**
 * Deterministic, so that two copies of an event can be compared. The nonce is derived from the key, which is
 * safe only for a key that never encrypts a second text.
 */
export const sealOnlyText = (key: Uint8Array, plain: string, context: string): string =>
  seal(key, plain, context, deriveKey(key, 'nonce').subarray(0, NONCE_BYTES));

/** Decrypts; undefined for another key or context, or if the text was changed. */
export const unseal = (key: Uint8Array, sealed: string, context: string): Buffer | undefined => {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    return undefined;
  }
};

export const keyedHash = (key: string | Uint8Array, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64url');

/** Derives a key for one purpose, so that no key serves two. */
export const deriveKey = (key: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, '', purpose, KEY_BYTES));

export interface MasterKeys {
  readonly current: Uint8Array;
  /** Set while the master key is being replaced. */
  readonly previous?: Uint8Array | undefined;
}

/** The key store was created with a different master key. Nothing was written. */
export class WrongMasterKeyError extends Error {
  override readonly name = 'WrongMasterKeyError';
}

const CONTEXT = 'store key';

/**
 * Unwraps the store key, or creates one in a new key store. Rewraps a store key that only the previous
 * master key unwraps; rejects with WrongMasterKeyError if neither does.
 */
export const openStoreKey = async (keys: UserKeys, masterKeys: MasterKeys): Promise<Uint8Array> => {
  const { current } = masterKeys;
  const wrapped = (await keys.storeKey()) ?? (await make(keys, current));
  const { storeKey, isOutdated } = unwrapped(wrapped, masterKeys);
  if (isOutdated) await keys.replaceStoreKey(wrapped, seal(current, storeKey, CONTEXT));
  return storeKey;
};

/** Like `openStoreKey` without a write: null in a new key store. */
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

/** Wraps the users' keys. */
export const wrappingKeyIn = (storeKey: Uint8Array): Uint8Array => deriveKey(storeKey, 'user keys');

/** Keys the hashes under which users are stored. */
export const hashKeyIn = (storeKey: Uint8Array): Uint8Array => deriveKey(storeKey, 'user hashes');
