import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pause } from '../../src/platform/async/retry.js';
import { updatesAtomically } from '../support/stack/mongodb-answers.js';
import { freshDatabase, openMongodbTarget } from '../support/stack/mongodb-store.js';
import { openMongodb } from '../support/stack/mongodb.js';
import { orSkip, shared } from '../support/stack/server.js';
import { readStoreContract } from './read-store.features.js';

const address = async (): Promise<string> => (await shared('mongodb', openMongodb)).address;

const KEEP_SAVING = fileURLToPath(new URL('./read-store/keep-saving-mongodb.js', import.meta.url));

/** Lets a process save for a while, then kills it at an arbitrary moment. */
const killWhileItSaves = async (url: string, database: string): Promise<void> => {
  const child = spawn(process.execPath, [KEEP_SAVING, url, database], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  if (child.exitCode !== null) throw new Error('The saving process ended early.');
  await pause(Math.random() * 200);
  child.kill('SIGKILL');
  await exited;
};

describe('MongoDB', function () {
  before(async function () {
    this.timeout(300_000);
    await orSkip(this, 'mongodb', openMongodb);
  });

  readStoreContract('mongodb', {
    cases: 15,
    concurrentWriters: async () =>
      (await updatesAtomically(await address()))
        ? true
        : { because: 'FerretDB 1 reads and writes in two steps: writers overwrite each other' },
    open: async () => openMongodbTarget(await address()),
    killWhileSaving: async () => {
      const url = await address();
      const database = freshDatabase();
      await killWhileItSaves(url, database);
      return openMongodbTarget(url, database);
    },
  });
});
