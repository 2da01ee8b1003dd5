import { openEmbeddedUserKeys } from '../../src/adapters/embedded/user-keys/user-keys.js';
import type { UserKeys } from '../../src/ports/user-protection.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { userKeysContract } from './user-keys.features.js';

userKeysContract('embedded', async () => {
  const { path, remove } = await temporaryDirectory();
  const opened: UserKeys[] = [];
  const open = async (): Promise<UserKeys> => {
    const keys = await openEmbeddedUserKeys({ dataDir: path });
    opened.push(keys);
    return keys;
  };
  return {
    keys: await open(),
    another: open,
    stop: async () => {
      await Promise.all(opened.map((keys) => keys.close()));
      await remove();
    },
  };
});
