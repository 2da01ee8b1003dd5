import type { ReadPreference } from 'mongodb';
import { readableVersion } from '../read-store/version-rules.js';
import type { MongodbConnection } from './connection.js';
import type { StoredVersions } from './stored-versions.js';
import { collectionsOf, type VersionCollections } from './version-collections.js';

/** The collections of a version with the read settings of each kind of reader. */
interface KnownVersion {
  readonly key: string;
  /** For the projector: the primary with majority reads. */
  readonly exact: VersionCollections;
  /** For queries: the members named by the read preference. */
  readonly near: VersionCollections;
}

/** Finds the collections of a version by its name. */
export interface VersionAccess {
  /**
   * Checks with the server first: a write to a pruned version would create its collections again.
   */
  confirmed(name: string): Promise<KnownVersion>;
  /**
   * Reads from the collections cached for this name. Only if nothing is found does it check whether
   * another process pruned or recreated the version.
   */
  read<T>(name: string, question: (version: KnownVersion) => Promise<T>): Promise<T>;
}

export const createVersionAccess = (
  { db }: MongodbConnection,
  versions: StoredVersions,
  {
    readPreference,
    fingerprint,
  }: { readonly readPreference: ReadPreference; readonly fingerprint: string },
): VersionAccess => {
  const known = new Map<string, KnownVersion>();

  const open = (key: string): KnownVersion => ({
    key,
    exact: collectionsOf(db, key, {
      readPreference: 'primary',
      readConcern: { level: 'majority' },
    }),
    near: collectionsOf(db, key, { readPreference }),
  });

  const confirmed = async (name: string): Promise<KnownVersion> => {
    const all = await versions.read();
    const before = known.get(name);
    // Stays out of the cache if the version is no longer readable.
    known.delete(name);
    const { key } = readableVersion(all, name, fingerprint);
    const version = before?.key === key ? before : open(key);
    known.set(name, version);
    return version;
  };

  return {
    confirmed,
    read: async (name, question) => {
      const version = known.get(name) ?? (await confirmed(name));
      const answer = await question(version);
      if (!isNothing(answer)) return answer;
      const now = await confirmed(name);
      return now.key === version.key ? answer : question(now);
    },
  };
};

const isNothing = (answer: unknown): boolean => {
  if (Array.isArray(answer)) return answer.length === 0;
  if (typeof answer !== 'object' || answer === null) return true;
  return 'items' in answer && isNothing(answer.items);
};
