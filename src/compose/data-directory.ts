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
