import { join } from 'node:path';
import { OtherFingerprintError, UnavailableError } from '../../../ports/errors.js';
import type { AnimeDocument, DocumentBatch, ReadStore } from '../../../ports/read-store.js';
import type { Logger } from '../../../platform/logger.js';
import { documentStore } from './document-store.js';
import { fingerprintOf } from './fingerprint.js';
import { attempt, openVersion, type OpenVersion } from './open-version.js';
import { readQueries } from './read-queries.js';
import { CLOSED, noSuchVersion } from './store-errors.js';
import { versionFiles } from './version-files.js';
import { versionRecords, type NumberedVersion } from './version-records.js';
import { startWriter } from './writer.js';

export interface ReadStoreOptions {
  /** The read models live in `read-models` below it; the caller holds the lock on it. */
  readonly dataDir: string;
  readonly logger: Logger;
  /** Documents of every kind as this release computes them: the fingerprint tells them from others. */
  readonly examples: DocumentBatch;
  readonly now?: () => Date;
}

type Listener = (animes: readonly AnimeDocument[]) => void;

/**
 * Versions of the read models as SQLite files. Questions are answered at once on this thread;
 * documents are saved by a writer thread, in the order of the calls.
 */
export const openReadStore = async ({
  dataDir,
  logger,
  examples,
  now = () => new Date(),
}: ReadStoreOptions): Promise<ReadStore> => {
  const files = versionFiles(join(dataDir, 'read-models'));
  await files.make();
  const fingerprint = fingerprintOf(examples);
  const records = versionRecords(join(dataDir, 'read-models', 'versions.db'), fingerprint);
  const writer = startWriter();
  const open = new Map<string, OpenVersion>();
  const listeners = new Set<Listener>();
  let closed: Promise<void> | undefined;

  const ensureOpen = (): void => {
    if (closed !== undefined) throw new UnavailableError(CLOSED);
  };
  const whileOpen = <T>(work: () => T): Promise<T> =>
    attempt(() => {
      ensureOpen();
      return work();
    });

  const find = (name: string): OpenVersion => {
    ensureOpen();
    const version = open.get(name);
    if (version !== undefined) return version;
    const record = records.find(name)?.record;
    throw record === undefined || record.fingerprint === fingerprint
      ? noSuchVersion(name)
      : new OtherFingerprintError(name);
  };

  const opening = new Map<string, Promise<void>>();
  /** Opens a version once, however many ask for it at the same time. */
  const ensureVersion = ({ id, record }: NumberedVersion): Promise<void> => {
    // Its tables may be others than those that are read and written here.
    if (record.fingerprint !== fingerprint) return Promise.resolve();
    const { name } = record;
    const path = files.pathOf(id);
    const first = async (): Promise<void> => {
      await writer.order(path, { kind: 'open' });
      open.set(name, openVersion(path));
    };
    const started = opening.get(name) ?? first();
    opening.set(name, started);
    // What failed once, for want of file handles for instance, may be asked for again.
    started.catch(() => opening.delete(name));
    return started;
  };

  const saved = (animes: readonly AnimeDocument[]): void => {
    for (const listener of listeners) {
      try {
        listener(animes);
      } catch (error) {
        logger.error('A listener to saved documents failed.', { error });
      }
    }
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
    versions: () => whileOpen(() => records.list().map(({ record }) => record)),
    active: () => whileOpen(() => records.active()?.record ?? null),

    createVersion: async (name, logId) => {
      ensureOpen();
      const at = now().toISOString();
      const version = records.change((change) => change.create(name, logId, at));
      await ensureVersion(version);
      if (version.record.fingerprint !== fingerprint) return version.record;
      logger.info('A version of the read models is ready to be filled.', { version: name });
      return version.record;
    },

    markReady: (name) => whileOpen(() => records.change((change) => change.markReady(name))),
    promote: (name) => whileOpen(() => records.change((change) => change.promote(name))),

    prune: async (name) => {
      ensureOpen();
      const version = records.change((change) => change.remove(name));
      if (version === undefined) return;
      await opening.get(name);
      const reader = open.get(name);
      open.delete(name);
      opening.delete(name);
      reader?.close();
      await writer.order(files.pathOf(version.id), { kind: 'release' });
      await files.remove(version.id);
    },

    documents: (name) => documentStore(() => find(name), writer, saved),
    queries: (name) => readQueries(() => find(name), writer),

    onSaved: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    ping: async () => {
      ensureOpen();
      await writer.alive();
    },

    close: () => (closed ??= end()),
  };
};
