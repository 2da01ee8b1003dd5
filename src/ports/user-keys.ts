/** The key of one user. Nothing here can be read without the master key. */
export interface UserKey {
  /** A keyed hash of the user id. */
  readonly hash: string;
  /** Stands for the user in events and documents. */
  readonly subject: string;
  readonly wrappedKey: string;
}

/**
 * Where the keys of users are. Each adapter passes the contract suite, whose clauses carry these numbers.
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
