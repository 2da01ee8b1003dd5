import { openEmbeddedReadStore } from '../adapters/embedded/read-store/open-read-store.js';
import { withCircuit } from '../adapters/read-store/circuit.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import type { DocumentBatch, ReadStore } from '../ports/read-store.js';
import { exampleDocuments } from '../read-side/rebuild/example-documents.js';
import { directoryError } from '../platform/config/system-errors.js';
import type { Dependencies } from './dependencies.js';
import { mongodbServer } from './servers.js';
import { whenAvailable } from './when-available.js';

export const isMongodb = ({ mongodb }: Config): boolean => mongodb.url !== '';

type ReadStoreDependencies = Pick<Dependencies, 'config' | 'logger' | 'lifecycle' | 'servers'> &
  Partial<Pick<Dependencies, 'health'>> & { readonly signal: AbortSignal };

/**
 * The server that MONGODB_URL names, or the embedded read store of DATA_DIR, which this process must
 * already own.
 */
export const openReadModels = async (dependencies: ReadStoreDependencies): Promise<ReadStore> => {
  const { config, lifecycle } = dependencies;
  const examples = exampleDocuments();
  const readStore = await lifecycle.open(
    'read store',
    async () => {
      const opened = isMongodb(config)
        ? await openMongodb(dependencies, examples)
        : await openEmbeddedStore(dependencies, examples);
      // A job may take its time.
      return dependencies.servers === undefined ? opened : withCircuit(opened);
    },
    (store) => store.close(),
  );
  dependencies.servers?.connected('read-store', () => readStore.ping());
  return readStore;
};

const openEmbeddedStore = async (
  { config: { dataDir }, logger, health }: ReadStoreDependencies,
  examples: DocumentBatch,
): Promise<ReadStore> => {
  const store = await openEmbeddedReadStore({ dataDir, logger, examples }).catch(
    (error: unknown) => {
      throw directoryError('DATA_DIR', dataDir, error);
    },
  );
  // Queries and commands are served meanwhile.
  health?.register('read-models-saved', () => store.check(), { neededToServe: false });
  return store;
};

const openMongodb = async (
  { config, logger, signal, servers }: ReadStoreDependencies,
  examples: DocumentBatch,
): Promise<ReadStore> => {
  // An embedded service starts faster, and is smaller, without the driver.
  const { openMongodbReadStore } = await import('../adapters/mongodb/read-store.js');
  const { url, database, readPreference, timeoutMs } = config.mongodb;
  const connect = async () => {
    const store = await openMongodbReadStore({
      url,
      database,
      readPreference,
      timeoutMs,
      logger,
      examples,
    }).catch((error: unknown): never => {
      throw isUnreadableAddress(error) ? new ConfigError(`MONGODB_URL: ${error.message}`) : error;
    });
    try {
      // A ping needs no login: only a read shows whether this user may read.
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

/** The driver cannot read the connection string. Its message repeats no part of it. */
const isUnreadableAddress = (error: unknown): error is Error =>
  error instanceof Error &&
  ['MongoParseError', 'MongoAPIError', 'MongoInvalidArgumentError', 'URIError'].includes(
    error.name,
  );
