import { openDeadLetters } from '../../src/adapters/embedded/dead-letters.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { deadLettersContract } from './dead-letters.features.js';

deadLettersContract('embedded', async () => {
  const { path, remove } = await temporaryDirectory();
  const letters = await openDeadLetters({ dataDir: path });
  const others: (typeof letters)[] = [];
  return {
    letters,
    afterCrash: async () => {
      const other = await openDeadLetters({ dataDir: path });
      others.push(other);
      return other;
    },
    stop: async () => {
      for (const each of [letters, ...others]) await each.close();
      await remove();
    },
  };
});
