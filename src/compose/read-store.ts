import { openReadStore } from '../adapters/embedded/read-store/open-read-store.js';
import { mongodbReadStore } from '../adapters/mongodb/read-store.js';
import type { Config } from '../platform/config.js';
import type { ReadStore } from '../ports/read-store.js';
import type { Needs } from './needs.js';
import { whenAvailable } from './when-available.js';

export const isMongodb = ({ mongodb }: Config): boolean => mongodb.url !== '';

/**
 * The server that MONGODB_URL names, or the embedded read store of DATA_DIR, which this process must
 * own by now.
 */
export const openReadStoreOf = (
  needs: Pick<Needs, 'config' | 'logger' | 'life'> & { readonly signal: AbortSignal },
): Promise<ReadStore> => {
  const { config, logger, life, signal } = needs;
  const { url, database, readPreference, timeoutMs } = config.mongodb;
  const connect = () => mongodbReadStore({ url, database, readPreference, timeoutMs, logger });
  return life.open(
    'read store',
    () =>
      isMongodb(config)
        ? whenAvailable(connect, { server: 'MongoDB', logger, signal })
        : openReadStore({ dataDir: config.dataDir, logger }),
    (opened) => opened.close(),
  );
};
