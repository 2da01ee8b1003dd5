import { type Db, ObjectId, ReadPreference } from 'mongodb';
import { type AnimeId, isAnimeId } from '../../domain/ids.js';
import { pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { AnimeDocument, DocumentBatch, ReadStore } from '../../ports/read-store.js';
import { createSavedListeners } from '../read-store/saved-listeners.js';
import {
  existingVersion,
  findActiveVersion,
  withActive,
  withoutVersion,
  withReady,
  withVersion,
} from '../read-store/version-rules.js';
import { connect } from './connection.js';
import { createMongodbDocuments, fallingPrecedence } from './document-store.js';
import { createMongodbQueries } from './queries.js';
import { createStoredVersions, storedRecordOf } from './stored-versions.js';
import {
  createVersionAccess,
  dropOrphans,
  ensureIndexes,
  fingerprintOfCollections,
  isAnimeCollection,
} from './version-collections.js';

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

/** Null: any anime may have changed. */
type ChangeListener = (ids: readonly AnimeId[] | null) => void;

export interface SavesFollowerOptions {
  /** Change notifications from the server; throws if it has none. */
  readonly watch: (signal: AbortSignal) => AsyncIterable<string>;
  readonly logger: Logger;
  /** Without change streams, listeners poll at this interval. */
  readonly pollMs?: number;
  /** The pause before the change stream is opened again. */
  readonly retryMs?: number;
}

export interface SavesFollower {
  readonly add: (listener: ChangeListener) => () => void;
  /** Passes on the saves of this process. */
  notify: ChangeListener;
  close(): void;
}

/** Reports saves of all processes, with one change stream or one timer while there are listeners. */
export const createSavesFollower = (options: SavesFollowerOptions): SavesFollower => {
  const { watch, logger, pollMs = 250, retryMs = 30_000 } = options;
  const listeners = new Set<ChangeListener>();
  let following: AbortController | undefined;
  let isTold = true;

  const notify: ChangeListener = (ids) => {
    for (const listener of listeners) {
      try {
        listener(ids);
      } catch (error) {
        logger.error('A listener for saved documents failed', { error });
      }
    }
  };

  const listen = async (signal: AbortSignal): Promise<void> => {
    try {
      for await (const text of watch(signal)) {
        if (signal.aborted) return;
        isTold = true;
        const id = Number(text);
        if (isAnimeId(id)) notify([id]);
      }
    } catch (error) {
      if (!signal.aborted && isTold) {
        logger.info(
          'MongoDB change stream unavailable: polling for saves while there are subscriptions',
          {
            error,
          },
        );
      }
      isTold = false;
    }
  };

  const poll = async (signal: AbortSignal): Promise<void> => {
    const until = performance.now() + retryMs;
    while (!signal.aborted && performance.now() < until) {
      notify(null);
      await pause(pollMs, signal);
    }
  };

  const follow = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await listen(signal);
      await poll(signal);
    }
  };

  const end = (): void => {
    following?.abort();
    following = undefined;
  };

  return {
    notify,
    add: (listener) => {
      listeners.add(listener);
      if (following === undefined) {
        following = new AbortController();
        void follow(following.signal);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) end();
      };
    },
    close: () => {
      listeners.clear();
      end();
    },
  };
};
