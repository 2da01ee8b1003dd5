import { openMongodbUserKeys } from '../../src/adapters/mongodb/user-keys.js';
import type { UserKeys } from '../../src/ports/user-protection.js';
import { freshDatabase } from '../support/stack/mongodb-store.js';
import { dropDatabase, openMongodb } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';
import { userKeysContract } from './user-keys.features.js';

userKeysContract('MongoDB', async (context) => {
  context.timeout(300_000);
  const url = (await orSkip(context, 'mongodb', openMongodb)).address;
  const database = freshDatabase();
  const opened: UserKeys[] = [];
  const open = async (): Promise<UserKeys> => {
    const keys = await openMongodbUserKeys({ url, database, timeoutMs: 10_000 });
    opened.push(keys);
    return keys;
  };
  return {
    keys: await open(),
    another: open,
    stop: async () => {
      await Promise.all(opened.map((keys) => keys.close()));
      await dropDatabase(url, database);
    },
  };
});
