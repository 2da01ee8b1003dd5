import type { UserId } from '../domain/ids.js';

/** How new events name a user. */
export interface UserPseudonym {
  /** Random, and the same for all events of the user until the user is forgotten. */
  readonly subject: string;
  /** The user id under the user's own key. */
  readonly encryptedId: string;
}

/** A pseudonym with what the command side keeps beside it. */
export interface ProtectedUser extends UserPseudonym {
  /** Salts what is derived from the user's commands. It is gone with the user's key. */
  readonly salt: string;
}

/** Keeps user ids out of new events. */
export interface UserProtection {
  /** The user, if known to this process without asking the key store. */
  known(userId: UserId): ProtectedUser | undefined;
  /** Reads the user's key, or makes one: durable when it resolves. */
  protect(userId: UserId): Promise<ProtectedUser>;
}

/** What could not be erased: events that hold the user id in plain text. */
export interface PlainEvents {
  readonly events: number;
  /** Their streams, at most 20. */
  readonly streams: readonly string[];
}

/**
 * Forgets a person. Resolves with the same whether the service knew the person or not, and may be repeated:
 * after a rejection, to finish what it began.
 */
export type EraseUser = (userId: UserId, signal?: AbortSignal) => Promise<PlainEvents>;

/** The user ids under which documents hold what a person did: the plain one and the subject's. */
export type DocumentUsers = (userId: UserId) => Promise<readonly UserId[]>;

/** The key of one user. Nothing here can be read without the master key. */
export interface UserKey {
  /** A keyed hash of the user id. */
  readonly hash: string;
  /** Stands for the user in events and documents. */
  readonly subject: string;
  readonly wrappedKey: string;
}

/**
 * The store of the users' keys. Each adapter passes the contract suite, whose clauses carry these numbers.
 *
 * - UK-1 `keep` keeps the first key of a hash and returns the one that is kept, for any number of calls
 *        and processes at the same time.
 * - UK-2 A kept key is found by its hash and by its subject, after a crash as well.
 * - UK-3 `remove` removes the key of a subject for every process at once. A missing one is no error;
 *        afterwards the hash can have another key.
 * - UK-4 `keepStoreKey` keeps the first store key and returns the one that is kept.
 * - UK-5 `replaceStoreKey` replaces the store key only if it is the given one.
 * - UK-6 A store that cannot be reached, or is closed, rejects with UnavailableError. `close` may be
 *        called twice.
 */
export interface UserKeys {
  find(hash: string): Promise<UserKey | null>;
  findSubject(subject: string): Promise<UserKey | null>;
  keep(key: UserKey): Promise<UserKey>;
  remove(subject: string): Promise<void>;
  /** The key that wraps all others, wrapped by the master key; null in a new key store. */
  storeKey(): Promise<string | null>;
  keepStoreKey(wrapped: string): Promise<string>;
  replaceStoreKey(present: string, next: string): Promise<void>;
  /** Resolves when the store answers. For health checks. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
