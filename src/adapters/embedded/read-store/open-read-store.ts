import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../../platform/observability/logger.js';
import { UnavailableError } from '../../../ports/errors.js';
import type { DocumentBatch, ReadQueries, ReadStore } from '../../../ports/read-store.js';
import { createSavedListeners } from '../../read-store/saved-listeners.js';
import {
  findActiveVersion,
  existingVersion,
  findVersion,
  readableVersion,
  withActive,
  withoutVersion,
  withReady,
  withVersion,
} from '../../read-store/version-rules.js';
import { ALL_DAYS, totalsOf } from '../../read-store/all-time.js';
import {
  createEmbeddedDocuments,
  type FindVersion,
  inPromise,
  openVersion,
  type OpenVersion,
  totalActivity,
} from './document-store.js';
import { animeRow, dayRow, interactionRow } from './rows.js';
import {
  groupOf,
  INDEX_BY_USER,
  type NumberedVersion,
  openVersionRecords,
  recordOf,
  UNNUMBERED,
  VERSION_FILE,
} from './schema.js';
import { READ_STORE_CLOSED } from './file.js';
import { startDocumentWriter, type DocumentWriter } from './writer.js';

export interface ReadStoreOptions {
  /** The read models are stored in its `read-models` folder; the caller holds the lock on it. */
  readonly dataDir: string;
  readonly logger: Logger;
  /** Documents of every kind as this release computes them; the fingerprint derives from them. */
  readonly examples: DocumentBatch;
  readonly now?: () => Date;
}

export interface EmbeddedReadStore extends ReadStore {
  /** Rejects if documents cannot be saved, or their files are damaged or gone. Queries may still be answered. */
  check(): Promise<void>;
}

/**
 * Versions of the read models as SQLite files. Queries run synchronously on this thread; a writer
 * thread saves documents in call order.
 */
export const openEmbeddedReadStore = async ({
  dataDir,
  logger,
  examples,
  now = () => new Date(),
}: ReadStoreOptions): Promise<EmbeddedReadStore> => {
  const files = versionFiles(join(dataDir, 'read-models'));
  await files.make();
  const fingerprint = fingerprintOfTables(examples);
  const records = openVersionRecords(join(dataDir, 'read-models', 'versions.db'));
  const writer = startDocumentWriter();
  const open = new Map<string, OpenVersion>();
  const listeners = createSavedListeners(logger);
  let closed: Promise<void> | undefined;

  const ensureOpen = (): void => {
    if (closed !== undefined) throw new UnavailableError(READ_STORE_CLOSED);
  };
  const whileOpen = <T>(work: () => T): Promise<T> =>
    inPromise(() => {
      ensureOpen();
      return work();
    });

  const find = (name: string): OpenVersion => {
    ensureOpen();
    const version = open.get(name);
    if (version !== undefined) return version;
    readableVersion(records.list(), name, fingerprint);
    throw new UnavailableError(`The version ${name} of the read models is not open yet.`);
  };

  const opening = new Map<string, Promise<void>>();
  /** Opens a version once, however many callers need it at the same time. */
  const ensureVersion = (version: NumberedVersion): Promise<void> => {
    // The tables of another release may differ from this one's.
    if (version.fingerprint !== fingerprint) return Promise.resolve();
    const { id, name } = version;
    const path = files.pathOf(id);
    const first = async (): Promise<void> => {
      await writer.order(path, { kind: 'open' });
      open.set(name, openVersion(path));
    };
    const started = opening.get(name) ?? first();
    opening.set(name, started);
    // Forget a failure, such as too few file handles, so that the next call tries again.
    started.catch(() => opening.delete(name));
    return started;
  };

  const end = async (): Promise<void> => {
    await writer.close();
    open.forEach((version) => version.close());
    records.close();
  };

  try {
    const known = records.list();
    await files.removeOthers(new Set(known.map(({ id }) => id)));
    for (const version of known) await ensureVersion(version);
  } catch (error) {
    await end();
    throw error;
  }

  return {
    fingerprint,
    identity: () => whileOpen(() => records.identity),
    versions: () => whileOpen(() => records.list().map(recordOf)),
    active: () =>
      whileOpen(() => {
        const active = findActiveVersion(records.list());
        return active === undefined ? null : recordOf(active);
      }),

    createVersion: async (name, logId) => {
      ensureOpen();
      const createdAt = now().toISOString();
      const isNew = findVersion(records.list(), name) === undefined;
      const versions = records.change((before) =>
        withVersion(before, name, (state) => ({
          id: UNNUMBERED,
          name,
          state,
          logId,
          createdAt,
          fingerprint,
          group: groupOf(name, records.identity),
        })),
      );
      const version = existingVersion(versions, name);
      await ensureVersion(version);
      if (isNew) {
        logger.info('A version of the read models is ready to be filled', { version: name });
      }
      return recordOf(version);
    },

    markReady: (name) => whileOpen(() => void records.change((before) => withReady(before, name))),
    promote: (name) =>
      whileOpen(() => void records.change((before) => withActive(before, name, fingerprint))),

    prune: async (name) => {
      ensureOpen();
      const version = findVersion(records.list(), name);
      records.change((before) => withoutVersion(before, name));
      if (version === undefined) return;
      await opening.get(name);
      const reader = open.get(name);
      open.delete(name);
      opening.delete(name);
      reader?.close();
      await writer.order(files.pathOf(version.id), { kind: 'release' });
      await files.remove(version.id);
    },

    documents: (name) => createEmbeddedDocuments(() => find(name), writer, listeners.notify),
    queries: (name) => createEmbeddedQueries(() => find(name), writer),
    onSaved: listeners.add,
    onChanged: (listener) =>
      listeners.add((animes) => listener(animes.map(({ animeId }) => animeId))),

    ping: async () => {
      ensureOpen();
      await writer.alive();
    },

    check: async () => {
      ensureOpen();
      await writer.alive();
      for (const version of open.values()) {
        version.assertWhole();
        await writer.check(version.path).catch((error: unknown): never => {
          throw unsavable(error);
        });
      }
    },

    close: () => (closed ??= end()),
  };
};

/**
 * One file per version, named by a number that is never reused: removing a version deletes files
 * and does not affect the others.
 */
const versionFiles = (directory: string) => {
  const pathOf = (id: number): string => join(directory, `${id}.db`);
  return {
    pathOf,

    make: async (): Promise<void> => {
      await mkdir(directory, { recursive: true });
    },

    remove: async (id: number): Promise<void> => {
      const names = ['', '-wal', '-shm'].map((suffix) => pathOf(id) + suffix);
      for (const name of names) await rm(name, { force: true });
    },

    /** Deletes files left behind by a crash during a removal. */
    removeOthers: async (kept: ReadonlySet<number>): Promise<void> => {
      for (const name of await readdir(directory)) {
        const id = /^([0-9]+)\.db(-wal|-shm)?$/.exec(name)?.[1];
        if (id !== undefined && !kept.has(Number(id))) await rm(join(directory, name));
      }
    },
  };
};

/** The queries of a version as the port defines them. */
const createEmbeddedQueries = (find: FindVersion, writer: DocumentWriter): ReadQueries => ({
  anime: (id) => inPromise(() => find().queries.anime(id)),
  topByViews: (limit) => inPromise(() => find().queries.topByViews(limit)),
  topByRating: (limit, minRatings) =>
    inPromise(() => find().queries.topByRating(limit, minRatings)),
  search: (query) => inPromise(() => find().queries.search(query)),
  trending: (sinceDay, limit) => inPromise(() => find().queries.trending(sinceDay, limit)),
  recommended: (basedOn, limit) => inPromise(() => find().queries.recommended(basedOn, limit)),
  genres: () => inPromise(() => find().queries.genres()),
  interactionsOf: async (userId, first, after) => {
    await indexed(find(), writer);
    return find().queries.interactionsOf(userId, first, after);
  },
  activityOf: (animeId, range) => inPromise(() => find().activity.of(animeId, range)),
  activity: (range) => totalActivity(() => find().activity, range),
  totals: async () => {
    const days = await totalActivity(() => find().activity, ALL_DAYS);
    return totalsOf(find().queries.search({ sortBy: 'title', offset: 0, limit: 1 }).total, days);
  },
});

/** With SQLite's reason, as health shows it. */
const unsavable = (error: unknown): unknown => {
  if (!(error instanceof UnavailableError)) return error;
  const { reason } = error.context;
  const why = typeof reason === 'string' ? reason : error.message;
  return new UnavailableError(
    `The read models cannot be saved (${why}): queries show an older state until they can.`,
    { cause: error },
  );
};

const INDEXED = new WeakSet<OpenVersion>();

const indexed = async (version: OpenVersion, writer: DocumentWriter): Promise<void> => {
  if (INDEXED.has(version)) return;
  await writer.order(version.path, { kind: 'index' });
  INDEXED.add(version);
};

/** Covers everything that shapes a row or a table, including search texts and triggers. */
export const fingerprintOfTables = (
  { interactions, days, animes }: DocumentBatch,
  schema: string = VERSION_FILE.schema + INDEX_BY_USER,
): string => {
  const rows = [interactions.map(interactionRow), days.map(dayRow), animes.map(animeRow)];
  const tables = schema.replaceAll(/\s+/g, ' ');
  return createHash('sha256')
    .update(JSON.stringify([tables, rows]))
    .digest('hex')
    .slice(0, 12);
};
