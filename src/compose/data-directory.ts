import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { DirectoryInUseError, lockDirectory } from '../adapters/embedded/lock.js';
import { ConfigError, type Config } from '../platform/config.js';
import type { Needs } from './needs.js';

type DirectoryNeeds = Pick<Needs, 'config' | 'life'>;

/** Names the setting where another process has the data directory. */
export const dataDirError = (error: unknown): unknown =>
  error instanceof DirectoryInUseError ? new ConfigError(`DATA_DIR: ${error.message}`) : error;

/**
 * A job makes no data directory, which would hide a mistyped name: it must be there, and with `log`
 * hold the log of the embedded event store.
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
      `DATA_DIR: there is no directory ${dataDir}.${hint} Jobs make none: serve does.`,
    );
  }
  if (!found.isDirectory()) throw new ConfigError(`DATA_DIR: ${dataDir} is not a directory.`);
  if (!log || (await stat(join(dataDir, 'events.db')).catch(() => null)) !== null) return;
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
export const lockDataDirectory = async ({ config, life }: DirectoryNeeds): Promise<void> => {
  await life.open(
    'data directory',
    () => lockDirectory(config.dataDir),
    (lock) => {
      lock.release();
      return Promise.resolve();
    },
  );
};

/** Makes this process the owner of DATA_DIR, where the embedded event store has not done so already. */
export const ownDataDirectory = async (needs: DirectoryNeeds): Promise<void> => {
  if (needs.config.eventStore.url === '') return;
  await lockDataDirectory(needs).catch((error: unknown): never => {
    throw dataDirError(error);
  });
};

/** Of the files in a directory whose names match; 0 where there is no such directory. */
export const bytesOnDisk = async (directory: string, names: RegExp): Promise<number> => {
  const all = await readdir(directory).catch(() => []);
  const sizes = all
    .filter((name) => names.test(name))
    .map(async (name) => {
      // SQLite removes its side files when it likes.
      const found = await stat(join(directory, name)).catch(() => null);
      return found?.size ?? 0;
    });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
};
