import { type Db, ObjectId, ReadPreference } from 'mongodb';
import type { Logger } from '../../platform/observability/logger.js';
import type { AnimeDocument, DocumentBatch, ReadStore } from '../../ports/read-store.js';
import { createSavedListeners } from '../read-store/saved-listeners.js';
import {
  findActiveVersion,
  existingVersion,
  withActive,
  withoutVersion,
  withReady,
  withVersion,
} from '../read-store/version-rules.js';
import { connect } from './connection.js';
import { createMongodbDocuments, fallingPrecedence } from './document-store.js';
import {
  createVersionAccess,
  dropOrphans,
  ensureIndexes,
  fingerprintOfCollections,
  isAnimeCollection,
} from './version-collections.js';
import { createMongodbQueries } from './queries.js';
import { createSavesFollower } from './saves-follower.js';
import { createStoredVersions, storedRecordOf } from './stored-versions.js';

export interface MongodbReadStoreOptions {
  /**
   * `mongodb://` or `mongodb+srv://`, with credentials and TLS in the syntax of MongoDB's drivers.
   */
  readonly url: string;
  readonly database: string;
  /** The members that answer queries; documents and versions are always read from the primary. */
  readonly readPreference: string;
  /** A call without a response within this time is unavailable. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Documents of every kind as this release computes them; the fingerprint derives from them. */
  readonly examples: DocumentBatch;
  readonly now?: () => Date;
}

/**
 * The read store port over MongoDB: standalone, replica set or sharded, because no step changes
 * more than one document atomically. Rejects with UnavailableError if no server responds.
 */
export const openMongodbReadStore = async ({
  url,
  database,
  readPreference,
  timeoutMs,
  logger,
  examples,
  now = () => new Date(),
}: MongodbReadStoreOptions): Promise<ReadStore> => {
  const connection = await connect({ url, database, timeoutMs });
  const { db, ask, whileOpen } = connection;
  const versions = createStoredVersions(connection);
  const fingerprint = fingerprintOfCollections(examples);
  const access = createVersionAccess(connection, versions, {
    readPreference: ReadPreference.fromString(readPreference),
    fingerprint,
  });
  const precedence = fallingPrecedence(now);
  const listeners = createSavedListeners(logger);
  const follower = createSavesFollower({ watch: (signal) => watchSaves(db, signal), logger });
  const saved = (animes: readonly AnimeDocument[]): void => {
    listeners.notify(animes);
    if (animes.length > 0) follower.notify(animes.map(({ animeId }) => animeId));
  };

  const createVersion = async (name: string, logId: string) => {
    const key = new ObjectId().toHexString();
    const createdAt = now().toISOString();
    const all = await versions.change((before) =>
      withVersion(before, name, (state) => ({
        name,
        key,
        group: `${name}-${key}`,
        state,
        logId,
        createdAt,
        fingerprint,
      })),
    );
    const version = existingVersion(all, name);
    if (version.fingerprint !== fingerprint) return storedRecordOf(version);
    const { exact } = await access.confirmed(name);
    await ensureIndexes(connection, exact);
    if (version.key === key) {
      logger.info('A version of the read models is ready to be filled', { version: name });
    }
    return storedRecordOf(version);
  };

  return {
    fingerprint,
    identity: () => whileOpen(() => versions.identity()),
    versions: () => whileOpen(async () => (await versions.read()).map(storedRecordOf)),

    active: () =>
      whileOpen(async () => {
        const active = findActiveVersion(await versions.read());
        return active === undefined ? null : storedRecordOf(active);
      }),

    createVersion: (name, logId) => whileOpen(() => createVersion(name, logId)),

    markReady: (name) =>
      whileOpen(async () => {
        await versions.change((before) => withReady(before, name));
      }),

    promote: (name) =>
      whileOpen(async () => {
        await versions.change((before) => withActive(before, name, fingerprint));
      }),

    prune: (name) =>
      whileOpen(async () => {
        await versions.change((before) => withoutVersion(before, name));
        await dropOrphans(connection, () => versions.read());
      }),

    documents: (name) => createMongodbDocuments(name, { connection, access, precedence, saved }),
    queries: (name) => createMongodbQueries(name, { connection, access }),
    onSaved: listeners.add,
    onChanged: follower.add,

    serverVersion: () =>
      whileOpen(async () => {
        const { version } = await ask(() => db.command({ buildInfo: 1 }));
        return String(version);
      }),

    ping: () =>
      whileOpen(async () => {
        await ask(() => db.command({ ping: 1 }));
      }),

    close: () => {
      follower.close();
      return connection.close();
    },
  };
};

const SAVES = { $match: { operationType: { $in: ['insert', 'update', 'replace'] } } };
const ONLY_NAMES = { $project: { operationType: 1, ns: 1, documentKey: 1 } };

/**
 * The ids of anime documents that any process saves from now on, by a change stream over the
 * database. Rejects where the server has none: it needs a replica set or a sharded cluster.
 */
async function* watchSaves(db: Db, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const stream = db.watch([SAVES, ONLY_NAMES]);
  const close = (): void => void stream.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    if (signal.aborted) return;
    for await (const change of stream) {
      if (!('documentKey' in change) || !('ns' in change)) continue;
      const { ns, documentKey } = change as Change;
      if (isAnimeCollection(ns.coll)) yield String(documentKey._id);
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

interface Change {
  readonly ns: { readonly coll: string };
  readonly documentKey: { readonly _id: unknown };
}
