import { randomUUID } from 'node:crypto';
import {
  openMongodbReadStore,
  type MongodbReadStoreOptions,
} from '../../../src/adapters/mongodb/read-store.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import type { DocumentBatch, ReadStore } from '../../../src/ports/read-store.js';
import { exampleDocuments } from '../../../src/read-side/rebuild/example-documents.js';
import { dropDatabase } from './mongodb.js';

export const freshDatabase = (): string => `test-${randomUUID()}`;

/** A store on a database, its own unless one is given. */
export const openMongodbStore = (
  url: string,
  options: Partial<MongodbReadStoreOptions> = {},
): Promise<ReadStore> =>
  openMongodbReadStore({
    url,
    database: freshDatabase(),
    readPreference: 'primary',
    timeoutMs: 10_000,
    logger: silentLogger(),
    examples: exampleDocuments(),
    ...options,
  });

/** A store on a database that is dropped when it stops. */
export const openMongodbTarget = async (url: string, database = freshDatabase()) => {
  const open = (examples = exampleDocuments()) => openMongodbStore(url, { database, examples });
  let current = await open();
  return {
    store: current,
    reopen: async (examples?: DocumentBatch) => {
      await current.close();
      return (current = await open(examples));
    },
    stop: async () => {
      await current.close();
      await dropDatabase(url, database);
    },
  };
};
