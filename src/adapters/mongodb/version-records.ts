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

const ID = 'versions';
const NONE: Omit<StoredVersions, '_id'> = { changes: 0, versions: [] };
/** Changes come from a person or a start, seldom two at once. */
const ATTEMPTS = 20;

export interface VersionRecords {
  read(): Promise<Versions>;
  /** Whatever the change throws has changed nothing. Answers the versions as they are after it. */
  change(change: (versions: Versions) => Versions): Promise<Versions>;
}

export const versionRecords = ({ db, ask, timeoutMs }: Connection): VersionRecords => {
  const collection = db.collection<StoredVersions>('versions', {
    readConcern: { level: 'majority' },
    readPreference: 'primary',
  });

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

  return {
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
