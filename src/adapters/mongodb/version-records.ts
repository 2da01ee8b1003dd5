import { ObjectId } from 'mongodb';
import { UnavailableError } from '../../ports/errors.js';
import type { Connection } from './connection.js';
import { isDuplicateKey } from './errors.js';
import type { Versions } from './version-catalogue.js';

/** Which versions there are and which one is active: one document, changed as a whole. */
interface StoredVersions {
  readonly _id: string;
  /** Counts the changes: a change says which one it follows, so that none is overwritten unseen. */
  readonly changes: number;
  readonly versions: Versions;
}

/** What tells the read store from every other, beside its versions. */
interface StoredIdentity {
  readonly _id: string;
  readonly identity: string;
}

const ID = 'versions';
const IDENTITY_ID = 'identity';
const NONE: Omit<StoredVersions, '_id'> = { changes: 0, versions: [] };
/** Changes come from a person or a start, seldom two at once. */
const ATTEMPTS = 20;

export interface VersionRecords {
  /** The store's identity, which the first who asks makes. */
  identity(): Promise<string>;
  read(): Promise<Versions>;
  /** Whatever the change throws has changed nothing. Answers the versions as they are after it. */
  change(change: (versions: Versions) => Versions): Promise<Versions>;
}

export const versionRecords = ({ db, ask, timeoutMs }: Connection): VersionRecords => {
  const exact = { readConcern: { level: 'majority' }, readPreference: 'primary' } as const;
  const collection = db.collection<StoredVersions>('versions', exact);
  const identities = db.collection<StoredIdentity>('versions', exact);

  const load = async () =>
    (await ask(() => collection.findOne({ _id: ID }, { maxTimeMS: timeoutMs }))) ?? NONE;

  /** Whether nobody else has made a change meanwhile. */
  const replace = async (after: number, versions: Versions): Promise<boolean> => {
    const next = { changes: after + 1, versions };
    if (after > 0) {
      const { matchedCount } = await collection.updateOne(
        { _id: ID, changes: after },
        { $set: next },
      );
      return matchedCount > 0;
    }
    try {
      await collection.insertOne({ _id: ID, ...next });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  };

  const makeIdentity = async (): Promise<string | null> => {
    const identity = new ObjectId().toHexString();
    try {
      await identities.insertOne({ _id: IDENTITY_ID, identity });
      return identity;
    } catch (error) {
      if (isDuplicateKey(error)) return null;
      throw error;
    }
  };

  return {
    identity: async () => {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const found = await ask(() =>
          identities.findOne({ _id: IDENTITY_ID }, { maxTimeMS: timeoutMs }),
        );
        const identity = found?.identity ?? (await ask(makeIdentity));
        if (identity !== null) return identity;
      }
      throw new UnavailableError('The identity of the read store cannot be read yet.');
    },

    read: async () => (await load()).versions,

    change: async (change) => {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const { changes, versions } = await load();
        const next = change(versions);
        if (next === versions || (await ask(() => replace(changes, next)))) return next;
      }
      throw new UnavailableError('Others change the versions of the read models all the time.');
    },
  };
};
