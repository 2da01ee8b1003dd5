import { openReadStore } from '../adapters/embedded/read-store/open-read-store.js';
import { mongodbReadStore } from '../adapters/mongodb/read-store.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import type { DocumentBatch, ReadStore } from '../ports/read-store.js';
import { exampleDocuments } from '../read-side/rebuild/example-documents.js';
import { directoryError } from './data-directory.js';
import type { Needs } from './needs.js';
import { mongodbServer } from './servers.js';
import { whenAvailable } from './when-available.js';

export const isMongodb = ({ mongodb }: Config): boolean => mongodb.url !== '';

type ReadStoreNeeds = Pick<Needs, 'config' | 'logger' | 'life' | 'servers'> & {
  readonly signal: AbortSignal;
};

/**
 * The server that MONGODB_URL names, or the embedded read store of DATA_DIR, which this process must
 * own by now.
 */
export const openReadStoreOf = (needs: ReadStoreNeeds): Promise<ReadStore> => {
  const { config, logger, life } = needs;
  const examples = exampleDocuments();
  return life.open(
    'read store',
    () =>
      isMongodb(config)
        ? openMongodb(needs, examples)
        : openReadStore({ dataDir: config.dataDir, logger, examples }).catch((error: unknown) => {
            throw directoryError('DATA_DIR', config.dataDir, error);
          }),
    (opened) => opened.close(),
  );
};

const openMongodb = (
  { config, logger, signal, servers }: ReadStoreNeeds,
  examples: DocumentBatch,
): Promise<ReadStore> => {
  const { url, database, readPreference, timeoutMs } = config.mongodb;
  const connect = async () => {
    const store = await mongodbReadStore({
      ...{ url, database, readPreference, timeoutMs, logger, examples },
    }).catch((error: unknown): never => {
      throw isMisspelt(error) ? new ConfigError(`MONGODB_URL: ${error.message}`) : error;
    });
    try {
      // A ping needs no login: whether this user may read shows only here.
      await store.versions();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  };
  const server = mongodbServer(config);
  return whenAvailable(connect, { server, logger, signal, onWait: servers?.waits });
};

/** What the driver says of a connection string that it cannot read; it repeats no part of it. */
const isMisspelt = (error: unknown): error is Error =>
  error instanceof Error &&
  ['MongoParseError', 'MongoAPIError', 'MongoInvalidArgumentError', 'URIError'].includes(
    error.name,
  );
