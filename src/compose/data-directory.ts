import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryInUseError, lockDirectory } from '../adapters/embedded/lock.js';
import { ConfigError } from '../platform/config.js';
import type { Needs } from './needs.js';

type DirectoryNeeds = Pick<Needs, 'config' | 'life'>;

/** Names the setting where another process has the data directory. */
export const dataDirError = (error: unknown): unknown =>
  error instanceof DirectoryInUseError ? new ConfigError(`DATA_DIR: ${error.message}`) : error;

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
