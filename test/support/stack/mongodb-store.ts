import { randomUUID } from 'node:crypto';
import {
  mongodbReadStore,
  type MongodbReadStoreOptions,
} from '../../../src/adapters/mongodb/read-store.js';
import { silentLogger } from '../../../src/platform/logger.js';
import type { ReadStore } from '../../../src/ports/read-store.js';
import { dropDatabase } from './mongodb.js';

export const freshDatabase = (): string => `test-${randomUUID()}`;

/** A store on a database, its own unless one is given. */
export const openMongodbStore = (
  url: string,
  options: Partial<MongodbReadStoreOptions> = {},
): Promise<ReadStore> =>
  mongodbReadStore({
    url,
    database: freshDatabase(),
    readPreference: 'primary',
    timeoutMs: 10_000,
    logger: silentLogger(),
    ...options,
  });

/** A store on a database that is dropped when it stops. */
export const openMongodbTarget = async (url: string, database = freshDatabase()) => {
  const open = () => openMongodbStore(url, { database });
  let current = await open();
  return {
    store: current,
    reopen: async () => {
      await current.close();
      return (current = await open());
    },
    stop: async () => {
      await current.close();
      await dropDatabase(url, database);
    },
  };
};
