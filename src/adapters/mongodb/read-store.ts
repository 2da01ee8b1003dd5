import { ObjectId, ReadPreference } from 'mongodb';
import type { Logger } from '../../platform/observability/logger.js';
import { OtherFingerprintError } from '../../ports/errors.js';
import type { AnimeDocument, DocumentBatch, ReadStore } from '../../ports/read-store.js';
import { connect } from './connection.js';
import { documentStore } from './document-store.js';
import { dropOrphans, ensureIndexes, fingerprintOf } from './version-collections.js';
import { fallingPrecedence } from './guarded-writes.js';
import { readQueries } from './queries.js';
import { versionAccess } from './version-access.js';
import {
  activeOf,
  find,
  noSuchVersion,
  recordOf,
  withActive,
  without,
  withReady,
  withVersion,
} from './version-catalogue.js';
import { versionRecords } from './version-records.js';

export interface MongodbReadStoreOptions {
  /** `mongodb://` or `mongodb+srv://`, with credentials and TLS as MongoDB's drivers read them. */
  readonly url: string;
  readonly database: string;
  /** Which members answer queries; documents and versions are always read from the primary. */
  readonly readPreference: string;
  /** After so long without an answer the store is unavailable for that call. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Documents of every kind as this release computes them: the fingerprint tells them from others. */
  readonly examples: DocumentBatch;
  readonly now?: () => Date;
}

type Listener = (animes: readonly AnimeDocument[]) => void;

/**
 * The read store port over MongoDB, alone, as a replica set or sharded: no step needs more than one
 * document at a time. Rejects with UnavailableError where no server answers.
 */
export const mongodbReadStore = async ({
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
  const records = versionRecords(connection);
  const fingerprint = fingerprintOf(examples);
  const access = versionAccess(connection, records, {
    readPreference: ReadPreference.fromString(readPreference),
    fingerprint,
  });
  const precedence = fallingPrecedence(now);
  const listeners = new Set<Listener>();

  const saved: Listener = (animes) => {
    for (const listener of listeners) {
      try {
        listener(animes);
      } catch (error) {
        logger.error('A listener to saved documents failed.', { error });
      }
    }
  };

  const createVersion = async (name: string, logId: string) => {
    const key = new ObjectId().toHexString();
    const added = {
      ...{ name, key, group: `${name}-${key}` },
      logId,
      createdAt: now().toISOString(),
      fingerprint,
    };
    const versions = await records.change((before) => withVersion(before, added));
    const version = find(versions, name);
    if (version === undefined) throw noSuchVersion(name);
    if (version.fingerprint !== fingerprint) return recordOf(version);
    const { exact } = await access.confirmed(name);
    await ensureIndexes(connection, exact);
    if (version.key === added.key) {
      logger.info('A version of the read models is ready to be filled.', { version: name });
    }
    return recordOf(version);
  };

  return {
    fingerprint,
    identity: () => whileOpen(() => records.identity()),
    versions: () => whileOpen(async () => (await records.read()).map(recordOf)),

    active: () =>
      whileOpen(async () => {
        const active = activeOf(await records.read());
        return active === undefined ? null : recordOf(active);
      }),

    createVersion: (name, logId) => whileOpen(() => createVersion(name, logId)),

    markReady: (name) =>
      whileOpen(async () => {
        await records.change((versions) => withReady(versions, name));
      }),

    promote: (name) =>
      whileOpen(async () => {
        await records.change((versions) => {
          const version = find(versions, name);
          if (version !== undefined && version.fingerprint !== fingerprint) {
            throw new OtherFingerprintError(name);
          }
          return withActive(versions, name);
        });
      }),

    prune: (name) =>
      whileOpen(async () => {
        await records.change((versions) => without(versions, name));
        await dropOrphans(connection, () => records.read());
      }),

    documents: (name) => documentStore(name, { connection, access, precedence, saved }),
    queries: (name) => readQueries(name, { connection, access }),

    onSaved: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    ping: () =>
      whileOpen(async () => {
        await ask(() => db.command({ ping: 1 }));
      }),

    close: () => connection.close(),
  };
};
