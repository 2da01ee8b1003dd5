import { ObjectId } from 'mongodb';
import { retry } from '../../platform/async/retry.js';
import { UnavailableError } from '../../ports/errors.js';
import type { VersionRecord } from '../../ports/read-store.js';
import { isDuplicateKey, type MongodbConnection } from './connection.js';

/** A version with the unique key used in the names of its collections. */
export interface KeyedVersion extends VersionRecord {
  readonly key: string;
}

/**
 * The record as the port defines it. The first releases stored no fingerprint and no group: their
 * group is the version name.
 */
export const storedRecordOf = ({
  name,
  state,
  logId,
  createdAt,
  fingerprint = null,
  group = name,
}: StoredRecord): VersionRecord => ({ name, state, logId, createdAt, fingerprint, group });

type StoredRecord = Omit<VersionRecord, 'fingerprint' | 'group'> & {
  readonly fingerprint?: string | null | undefined;
  readonly group?: string | undefined;
};

/** All versions in one document, so that every change is atomic. */
interface VersionsDocument {
  readonly _id: string;
  /** The number of changes. A change names its predecessor, so that none is lost. */
  readonly changes: number;
  readonly versions: readonly KeyedVersion[];
}

interface IdentityDocument {
  readonly _id: string;
  readonly identity: string;
}

const VERSIONS_ID = 'versions';
const IDENTITY_ID = 'identity';
const NO_VERSIONS: Omit<VersionsDocument, '_id'> = { changes: 0, versions: [] };

export interface StoredVersions {
  /** The identity of the store, created by the first process that asks. */
  identity(): Promise<string>;
  /** Oldest first. */
  read(): Promise<readonly KeyedVersion[]>;
  /** Returns the versions after the change. If the change throws, nothing is changed. */
  change(
    change: (versions: readonly KeyedVersion[]) => readonly KeyedVersion[],
  ): Promise<readonly KeyedVersion[]>;
}

export const createStoredVersions = ({ db, ask, timeoutMs }: MongodbConnection): StoredVersions => {
  const exact = { readConcern: { level: 'majority' }, readPreference: 'primary' } as const;
  const collection = db.collection<VersionsDocument>('versions', exact);
  const identities = db.collection<IdentityDocument>('versions', exact);

  const load = async () =>
    (await ask(() => collection.findOne({ _id: VERSIONS_ID }, { maxTimeMS: timeoutMs }))) ??
    NO_VERSIONS;

  /** Throws LostRaceError if another process made a change since. */
  const replace = async (after: number, versions: readonly KeyedVersion[]): Promise<void> => {
    const next = { changes: after + 1, versions };
    if (after === 0) {
      await insert(() => collection.insertOne({ _id: VERSIONS_ID, ...next }));
      return;
    }
    const { matchedCount } = await collection.updateOne(
      { _id: VERSIONS_ID, changes: after },
      { $set: next },
    );
    if (matchedCount === 0) throw new LostRaceError();
  };

  const createIdentity = async (): Promise<string> => {
    const identity = new ObjectId().toHexString();
    await insert(() => identities.insertOne({ _id: IDENTITY_ID, identity }));
    return identity;
  };

  return {
    identity: () =>
      afterRaces(async () => {
        const found = await ask(() =>
          identities.findOne({ _id: IDENTITY_ID }, { maxTimeMS: timeoutMs }),
        );
        return found?.identity ?? (await ask(createIdentity));
      }),

    read: async () => (await load()).versions,

    change: (change) =>
      afterRaces(async () => {
        const { changes, versions } = await load();
        const next = change(versions);
        if (next !== versions) await ask(() => replace(changes, next));
        return next;
      }),
  };
};

/** Another process changed the document between the read and the write. */
class LostRaceError extends UnavailableError {
  constructor(cause?: unknown) {
    super('Other processes keep changing the versions of the read models.', { cause });
  }
}

const insert = async (work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    throw isDuplicateKey(error) ? new LostRaceError(error) : error;
  }
};

/** Operators and starts change versions, so races are rare. */
const MAX_RACES = 20;

const afterRaces = <T>(work: () => Promise<T>): Promise<T> =>
  retry(work, {
    backoff: { baseMs: 1, maxMs: 50 },
    retriable: (error, attempt) => error instanceof LostRaceError && attempt + 1 < MAX_RACES,
  });
