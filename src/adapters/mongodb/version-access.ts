import type { ReadPreference } from 'mongodb';
import { OtherFingerprintError } from '../../ports/errors.js';
import type { Connection } from './connection.js';
import { find, noSuchVersion } from './version-catalogue.js';
import { collectionsOf, type VersionCollections } from './version-collections.js';
import type { VersionRecords } from './version-records.js';

interface OpenVersion {
  readonly key: string;
  /** For the projector: the primary, and only what a majority has. */
  readonly exact: VersionCollections;
  /** For queries: the members that the settings name. */
  readonly near: VersionCollections;
}

/** The way from a version's name to its collections. */
export interface VersionAccess {
  /** Asks the server first: a write to a version that is no more would bring back its collections. */
  confirmed(name: string): Promise<OpenVersion>;
  /**
   * Reads by what is known of the version. Only where nothing is found it may have been removed or
   * made anew by another process, so that is looked up before nothing is answered.
   */
  read<T>(name: string, question: (version: OpenVersion) => Promise<T>): Promise<T>;
}

export const versionAccess = (
  { db }: Connection,
  records: VersionRecords,
  {
    readPreference,
    fingerprint,
  }: { readonly readPreference: ReadPreference; readonly fingerprint: string },
): VersionAccess => {
  const known = new Map<string, OpenVersion>();

  const open = (key: string): OpenVersion => ({
    key,
    exact: collectionsOf(db, key, {
      readPreference: 'primary',
      readConcern: { level: 'majority' },
    }),
    near: collectionsOf(db, key, { readPreference }),
  });

  const confirmed = async (name: string): Promise<OpenVersion> => {
    const record = find(await records.read(), name);
    const before = known.get(name);
    if (record === undefined) {
      known.delete(name);
      throw noSuchVersion(name);
    }
    if (record.fingerprint !== fingerprint) throw new OtherFingerprintError(name);
    if (before?.key === record.key) return before;
    const version = open(record.key);
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
