import { randomBytes } from 'node:crypto';
import type { UserKey, UserKeys } from '../../src/ports/user-protection.js';
import { openUserProtection } from '../../src/user-protection/user-protection.js';

/** A key store for properties; `content` is all that it holds. */
export const inMemoryUserKeys = () => {
  const byHash = new Map<string, UserKey>();
  let kept: string | null = null;
  const keys: UserKeys = {
    find: (hash) => Promise.resolve(byHash.get(hash) ?? null),
    findSubject: (subject) =>
      Promise.resolve([...byHash.values()].find((key) => key.subject === subject) ?? null),
    keep: (key) => {
      const present = byHash.get(key.hash) ?? key;
      byHash.set(key.hash, present);
      return Promise.resolve(present);
    },
    remove: (subject) => {
      for (const [hash, key] of byHash) if (key.subject === subject) byHash.delete(hash);
      return Promise.resolve();
    },
    storeKey: () => Promise.resolve(kept),
    keepStoreKey: (wrapped) => Promise.resolve((kept ??= wrapped)),
    replaceStoreKey: (present, next) => {
      if (kept === present) kept = next;
      return Promise.resolve();
    },
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return { ...keys, content: () => JSON.stringify([kept, ...byHash.values()]) };
};

export const aMasterKey = (): Uint8Array => randomBytes(32);

/** User ids under protection, over a key store in memory. */
export const protectingUsers = (
  keys: UserKeys = inMemoryUserKeys(),
  current: Uint8Array = aMasterKey(),
) => openUserProtection({ keys, masterKeys: { current } });
