import { mkdirSync, statfsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { DirectoryInUseError, lockDirectory } from '../embedded-eventstore/lock.js';
import { LOG_FILE } from '../embedded-eventstore/log/schema.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { directoryError, unwritableDatabase } from '../platform/config/system-errors.js';
import type { Dependencies } from './dependencies.js';

type DirectoryDependencies = Pick<Dependencies, 'config' | 'lifecycle'>;

/** The error as a sentence on DATA_DIR, where the directory is locked or unusable. */
export const dataDirError = (error: unknown, directory: string): unknown =>
  error instanceof DirectoryInUseError
    ? new ConfigError(`DATA_DIR: ${error.message}`)
    : directoryError('DATA_DIR', directory, error);

/** With less, the first writes would fail. */
const LEAST_FREE_BYTES = 1024 * 1024;

/** Creates the directory. Throws where it cannot be written, or its disk is full. */
export const prepareDataDirectory = (directory: string): void => {
  try {
    mkdirSync(directory, { recursive: true });
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize < LEAST_FREE_BYTES) {
      throw Object.assign(new Error('There is no room.'), { code: 'ENOSPC' });
    }
  } catch (error) {
    throw directoryError('DATA_DIR', directory, error);
  }
  const problem = unwritableDatabase(directory);
  if (problem !== undefined)
    throw new ConfigError(`DATA_DIR: ${directory} ${problem}, or set another directory.`);
};

/**
 * Jobs create no data directory, which would hide a mistyped name: it must exist, and with `log` hold
 * the log of the embedded event store.
 */
export const requireDataDirectory = async (
  { dataDir }: Pick<Config, 'dataDir'>,
  { log }: { readonly log: boolean },
): Promise<void> => {
  const found = await stat(dataDir).catch(() => null);
  if (found === null) {
    const near = await nearestSibling(dataDir);
    const hint = near === undefined ? '' : ` Did you mean ${near}?`;
    throw new ConfigError(
      `DATA_DIR: there is no directory ${dataDir}.${hint} Jobs do not create it: serve does.`,
    );
  }
  if (!found.isDirectory()) throw new ConfigError(`DATA_DIR: ${dataDir} is not a directory.`);
  if (!log || (await stat(join(dataDir, LOG_FILE)).catch(() => null)) !== null) return;
  throw new ConfigError(
    `DATA_DIR: there is no event log in ${dataDir}. Name the directory of a service, or set EVENTSTORE_URL.`,
  );
};

const MAX_TYPING_ERRORS = 2;

const nearestSibling = async (path: string): Promise<string | undefined> => {
  const parent = dirname(resolve(path));
  const siblings = await readdir(parent, { withFileTypes: true }).catch(() => []);
  const name = basename(resolve(path));
  const [near] = siblings
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({ name: entry.name, by: distance(entry.name, name) }))
    .filter(({ by }) => by <= MAX_TYPING_ERRORS)
    .sort((a, b) => a.by - b.by);
  return near === undefined ? undefined : join(dirname(path), near.name);
};

/** Makes this process the owner of DATA_DIR, or rejects with DirectoryInUseError. */
export const lockDataDirectory = async ({
  config,
  lifecycle,
}: DirectoryDependencies): Promise<void> => {
  prepareDataDirectory(config.dataDir);
  await lifecycle.open(
    'data directory',
    () => lockDirectory(config.dataDir),
    (lock) => {
      lock.release();
      return Promise.resolve();
    },
  );
};

/** Makes this process the owner of DATA_DIR, unless the embedded event store has done so. */
export const ownDataDirectory = async (dependencies: DirectoryDependencies): Promise<void> => {
  if (dependencies.config.eventStore.url === '') return;
  await lockDataDirectory(dependencies).catch((error: unknown): never => {
    throw dataDirError(error, dependencies.config.dataDir);
  });
};

/** The size of the files whose names match; 0 where there is no such directory. */
export const bytesOnDisk = async (directory: string, names: RegExp): Promise<number> => {
  const all = await readdir(directory).catch(() => []);
  const sizes = all
    .filter((name) => names.test(name))
    .map(async (name) => {
      // SQLite may remove its side files at any time.
      const found = await stat(join(directory, name)).catch(() => null);
      return found?.size ?? 0;
    });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
};
