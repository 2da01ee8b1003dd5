import { LRUCache } from 'lru-cache';
import { animeIdOf, isUserId, type UserId } from '../domain/ids.js';
import { PortError } from '../ports/errors.js';
import type { RecordedEvent } from '../ports/event-store.js';
import { jsonObjectIn } from '../ports/json.js';
import type {
  DocumentUsers,
  ProtectedUser,
  UserKey,
  UserKeys,
  UserProtection,
} from '../ports/user-protection.js';
import {
  encodeProtected,
  isUserEvent,
  saltedBodyHash,
  standInIn,
  standInFor,
} from '../wire/protected-user.js';
import { decode } from '../wire/stream-event.js';
import {
  deriveKey,
  hashKeyIn,
  keyedHash,
  type MasterKeys,
  newKey,
  newSubject,
  openStoreKey,
  readStoreKey,
  seal,
  sealOnlyText,
  unseal,
  wrappingKeyIn,
} from './ciphers.js';

/** About 40 MB. */
const KNOWN_USERS = 100_000;

export interface OpenedUserProtection extends UserProtection {
  /** Null for a user who is unknown or was erased. Always asks the key store, which other processes change. */
  subjectOf(userId: UserId): Promise<string | null>;
  /** Deletes the key of a subject from the key store and from memory. */
  forget(subject: string): Promise<void>;
}

export interface UserProtectionOptions {
  readonly keys: UserKeys;
  readonly masterKeys: MasterKeys;
  readonly knownUsers?: number;
}

/** Rejects with WrongMasterKeyError if the key store was created with a different master key. */
export const openUserProtection = async ({
  keys,
  masterKeys,
  knownUsers = KNOWN_USERS,
}: UserProtectionOptions): Promise<OpenedUserProtection> => {
  const storeKey = await openStoreKey(keys, masterKeys);
  const wrapping = wrappingKeyIn(storeKey);
  const hashing = hashKeyIn(storeKey);
  const hashOf = (userId: UserId): string => keyedHash(hashing, userId);
  const known = new LRUCache<UserId, ProtectedUser>({ max: knownUsers });
  const loading = new Map<UserId, Promise<ProtectedUser>>();

  const made = (hash: string): UserKey => {
    const subject = newSubject();
    return { hash, subject, wrappedKey: seal(wrapping, newKey(), subject) };
  };

  const keyIn = ({ subject, wrappedKey }: UserKey): Uint8Array => {
    const key = unseal(wrapping, wrappedKey, subject);
    if (key !== undefined) return key;
    throw new PortError('CORRUPT', 'A key in the key store cannot be opened.', false, {
      context: { subject },
    });
  };

  const load = async (userId: UserId): Promise<ProtectedUser> => {
    const hash = hashOf(userId);
    const kept = (await keys.find(hash)) ?? (await keys.keep(made(hash)));
    const { subject } = kept;
    const key = keyIn(kept);
    const encryptedId = sealOnlyText(key, userId, subject);
    return { subject, encryptedId, salt: deriveKey(key, 'salt').toString('base64url') };
  };

  const protect = (userId: UserId): Promise<ProtectedUser> => {
    const begun = loading.get(userId);
    if (begun !== undefined) return begun;
    const loaded: Promise<ProtectedUser> = load(userId).then((user) => {
      // Not cached if the user was erased during the lookup.
      if (loading.get(userId) === loaded) known.set(userId, user);
      return user;
    });
    const done = (): void => {
      if (loading.get(userId) === loaded) loading.delete(userId);
    };
    loading.set(userId, loaded);
    loaded.then(done, done);
    return loaded;
  };

  return {
    known: (userId) => known.get(userId),
    protect,
    subjectOf: async (userId) => (await keys.find(hashOf(userId)))?.subject ?? null,
    forget: async (subject) => {
      await keys.remove(subject);
      loading.clear();
      for (const [userId, user] of known) if (user.subject === subject) known.delete(userId);
    },
  };
};

type ProtectableEvent = Pick<RecordedEvent, 'stream' | 'type' | 'data' | 'metadata'>;

/**
 * Encrypts the user id of a stored event, for a copy of the log. Deterministic until the user is erased, so
 * a copy can be repeated and compared. Foreign, unreadable and already encrypted events are returned as they are.
 */
export const protectEvent = async <Event extends ProtectableEvent>(
  event: Event,
  protection: UserProtection,
): Promise<Event> => {
  if (animeIdOf(event.stream) === undefined) return event;
  const decoded = decode(event.type, event.data);
  if (decoded.kind !== 'event' || !isUserEvent(decoded.event)) return event;
  const { userId } = decoded.event.data;
  if (!isUserId(userId)) return event;
  const user = protection.known(userId) ?? (await protection.protect(userId));
  return {
    ...event,
    data: Buffer.from(JSON.stringify(encodeProtected(decoded.event, user))),
    metadata: withSaltedHash(event.metadata, user),
  };
};

const withSaltedHash = (metadata: Uint8Array, user: ProtectedUser): Uint8Array => {
  const { bodyHash, ...others } = jsonObjectIn(metadata) ?? {};
  if (typeof bodyHash !== 'string') return metadata;
  return Buffer.from(JSON.stringify({ ...others, bodyHash: saltedBodyHash(bodyHash, user) }));
};
/** Decrypts the user id of an event: null if the user was erased, undefined if it is not encrypted. */

export type RevealUser = (data: Uint8Array) => Promise<UserId | null | undefined>;
/** Rejects with WrongMasterKeyError if the key store was created with a different master key. */

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
/**
 * Needs only read access. Looks the user up in the key store for every query, so that an erasure takes
 * effect at once. Rejects with WrongMasterKeyError if the key store was created with a different master key.
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
    // The first command may have created the key store since.
    hashing ??= await hashKey();
    if (hashing === null) return null;
    return (await keys.find(keyedHash(hashing, userId)))?.subject ?? null;
  };

  return async (userId) => {
    const subject = await subjectOf(userId);
    return subject === null ? [userId] : [userId, standInFor(subject)];
  };
};
