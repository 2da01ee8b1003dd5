import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readLogIdentity } from '../compose/log-identity.js';
import { isMongodb } from '../compose/read-store.js';
import type { Stores } from '../compose/stores.js';
import type { LogCounts } from '../embedded-eventstore/files/check-file.js';
import { checkDatabase, copyDatabase, syncPath } from '../embedded-eventstore/files/file-tasks.js';
import { LOG_FILE } from '../embedded-eventstore/log/schema.js';
import { ConfigError } from '../platform/config/config.js';
import { VERSION } from '../platform/package.js';
import { messageOf, PortError, UnavailableError } from '../ports/errors.js';
import { jsonObjectIn } from '../ports/json.js';
import type { JobDependencies, JobOutput } from './job.js';
import type { StoreJob } from './requests.js';

/** Written last: a directory without it is not a complete backup. */
export interface BackupManifest {
  readonly format: 1;
  /** The release that created the backup. */
  readonly version: string;
  readonly createdAt: string;
  /** Null if the service never started on this log. */
  readonly logId: string | null;
  /** The position of the last event, as a decimal string. */
  readonly lastPosition: string;
  readonly events: number;
  readonly streams: number;
  readonly files: readonly BackupFile[];
}

interface BackupFile {
  /** Relative to the backup, and to DATA_DIR after a restore. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

const MANIFEST = 'manifest.json';

/** Computes size and hash. */
const describeFile = async (
  directory: string,
  path: string,
  signal: AbortSignal,
): Promise<BackupFile> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(directory, path)), hash, { signal });
  const { size: bytes } = await stat(join(directory, path));
  return { path, bytes, sha256: hash.digest('hex') };
};

/** Rejects with NOT_FOUND if there is no manifest, and with CORRUPT if it cannot be read. */
export const readManifest = async (directory: string): Promise<BackupManifest> => {
  const written = await readFile(join(directory, MANIFEST)).catch(() => null);
  if (written === null) {
    throw new PortError('NOT_FOUND', `${directory} is not a backup: it has no ${MANIFEST}.`, false);
  }
  const manifest = jsonObjectIn(written);
  if (manifest === undefined || !isManifest(manifest))
    throw damagedBackup(`${MANIFEST} cannot be read`);
  return manifest;
};

/** Rejects with CORRUPT unless every file matches the manifest. */
export const assertWhole = async (
  directory: string,
  { files }: BackupManifest,
  signal: AbortSignal,
): Promise<void> => {
  for (const { path, bytes, sha256 } of files) {
    const found = await describeFile(directory, path, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw damagedBackup(`${path} cannot be read`, error);
    });
    if (found.bytes !== bytes || found.sha256 !== sha256) {
      throw damagedBackup(`${path} differs from what ${MANIFEST} says`);
    }
  }
};

export const damagedBackup = (what: string, cause?: unknown): PortError =>
  new PortError('CORRUPT', `The backup is damaged: ${what}.`, false, { cause });

/** The only paths that a restore writes: a manifest from elsewhere must not name others. */
const KNOWN_PATH = /^(?:events|dead-letters|read-models\/[0-9a-z-]+)\.db$/;

const isManifest = (value: object): value is BackupManifest => {
  const { format, logId, lastPosition, events, files } = value as Record<string, unknown>;
  return (
    format === 1 &&
    (logId === null || typeof logId === 'string') &&
    typeof lastPosition === 'string' &&
    typeof events === 'number' &&
    Array.isArray(files) &&
    files.every(isBackupFile) &&
    files.some(({ path }) => path === LOG_FILE)
  );
};

const isBackupFile = (value: unknown): value is BackupFile => {
  if (typeof value !== 'object' || value === null) return false;
  const { path, bytes, sha256 } = value as Record<string, unknown>;
  const isKnown = typeof path === 'string' && KNOWN_PATH.test(path);
  return isKnown && typeof bytes === 'number' && typeof sha256 === 'string';
};

type Files = Pick<JobDependencies, 'config' | 'signal'>;

const exists = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null)) !== null;

/**
 * Copies the embedded stores to a new directory while the service writes to them. The directory has a
 * temporary name until every copy was opened and checked. Rejects with REFUSED if the directory exists.
 */
export const backup = async (
  dependencies: Files,
  { eventStore }: Stores,
  { target, logOnly }: Extract<StoreJob, { readonly command: 'backup' }>,
  { print, report, progress }: JobOutput,
): Promise<boolean> => {
  const { config, signal } = dependencies;
  if (isMongodb(config) && !logOnly) {
    throw new ConfigError(
      'MONGODB_URL: the documents are on a server: give --log-only, and back up the server with its tools.',
    );
  }
  if (await exists(target)) throw new PortError('REFUSED', `${target} exists already.`, false);
  if (!(await exists(dirname(target)))) {
    throw new PortError('REFUSED', `There is no directory ${dirname(target)}.`, false);
  }
  const partial = `${target}.partial`;
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { mode: 0o700 });
    const paths = await pathsOf(config.dataDir, logOnly);
    for (const [index, path] of paths.entries()) {
      signal.throwIfAborted();
      progress({ task: 'backup', done: index, total: paths.length, unit: 'files' });
      await mkdir(dirname(join(partial, path)), { recursive: true });
      await copyDatabase(join(config.dataDir, path), join(partial, path));
    }
    const { files, log } = await checkFiles(partial, paths, signal);
    const manifest: BackupManifest = {
      format: 1,
      version: VERSION,
      createdAt: new Date().toISOString(),
      logId: await readLogIdentity(eventStore),
      lastPosition: String(log.lastPosition),
      events: log.events,
      streams: log.streams,
      files,
    };
    await writeFile(join(partial, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await Promise.all(
      ['.', 'read-models', MANIFEST].map((name) => syncIfThere(join(partial, name))),
    );
    signal.throwIfAborted();
    if (await exists(target)) throw new PortError('REFUSED', `${target} exists already.`, false);
    await rename(partial, target);
    await syncPath(dirname(target));
    print(`${target} holds ${log.events} events in ${log.streams} streams, checked.`);
    report({ directory: target, ...manifest });
    return true;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw backupFailure(error, signal);
  }
};

const backupFailure = (error: unknown, signal: AbortSignal): unknown => {
  if (signal.aborted || error instanceof PortError) return error;
  const reason = messageOf(error);
  return new UnavailableError(`The backup was not made: ${reason}.`, { cause: error });
};

const syncIfThere = async (path: string): Promise<void> => {
  if (await exists(path)) await syncPath(path);
};

/** Copies the log last, so that no document is ahead of it. */
const pathsOf = async (dataDir: string, logOnly: boolean): Promise<readonly string[]> => {
  const own = (await readdir(dataDir)).filter((name) => name === 'dead-letters.db');
  const names = logOnly ? [] : await readdir(join(dataDir, 'read-models')).catch(() => []);
  // Opening the copy removes files of versions that are not in its list.
  const versions = names.filter((name) => name.endsWith('.db') && name !== 'versions.db');
  const list = names.includes('versions.db') ? ['versions.db'] : [];
  return [...[...list, ...versions].map((name) => `read-models/${name}`), ...own, LOG_FILE];
};

const checkFiles = async (directory: string, paths: readonly string[], signal: AbortSignal) => {
  const files: BackupFile[] = [];
  let log: LogCounts = { streams: 0, events: 0, lastPosition: 0 };
  for (const path of paths) {
    signal.throwIfAborted();
    const found = await checkDatabase(join(directory, path), path === LOG_FILE);
    const [problem] = found.problems;
    if (problem !== undefined) {
      const message = `The backup was not made, because ${path} is damaged: ${problem}`;
      throw new PortError('CORRUPT', message, false);
    }
    log = found.log ?? log;
    files.push(await describeFile(directory, path, signal));
  }
  return { files, log };
};
