import { DirectoryInUseError, lockDirectory } from '../adapters/embedded/lock.js';
import { ConfigError } from '../platform/config.js';
import type { Needs } from './needs.js';

/** Names the setting where another process has the data directory. */
export const dataDirError = (error: unknown): unknown =>
  error instanceof DirectoryInUseError ? new ConfigError(`DATA_DIR: ${error.message}`) : error;

/** Makes this process the owner of DATA_DIR, where the embedded event store has not done so already. */
export const ownDataDirectory = async ({
  config,
  life,
}: Pick<Needs, 'config' | 'life'>): Promise<void> => {
  if (config.eventStore.url === '') return;
  try {
    await life.open(
      'data directory',
      () => lockDirectory(config.dataDir),
      (lock) => {
        lock.release();
        return Promise.resolve();
      },
    );
  } catch (error) {
    throw dataDirError(error);
  }
};
