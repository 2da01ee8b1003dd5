import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openEmbeddedReadStore } from '../../src/adapters/embedded/read-store/open-read-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { pause } from '../../src/platform/async/retry.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { readStoreContract } from './read-store.features.js';
import type { OpenReadStore } from './read-store/target.js';
import { exampleDocuments } from '../../src/read-side/rebuild/example-documents.js';

const openIn = async (dataDir: string, remove: () => Promise<void>): Promise<OpenReadStore> => {
  const open = (examples = exampleDocuments()) =>
    openEmbeddedReadStore({ dataDir, logger: silentLogger(), examples });
  let current = await open();
  return {
    store: current,
    reopen: async (examples) => {
      await current.close();
      return (current = await open(examples));
    },
    stop: async () => {
      await current.close();
      await remove();
    },
  };
};

const KEEP_SAVING = fileURLToPath(new URL('./read-store/keep-saving-embedded.js', import.meta.url));

/** Lets a process save for a while, then kills it at an arbitrary moment. */
const killWhileItSaves = async (dataDir: string): Promise<void> => {
  const child = spawn(process.execPath, [KEEP_SAVING, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  if (child.exitCode !== null) throw new Error('The saving process ended early.');
  await pause(Math.random() * 50);
  child.kill('SIGKILL');
  await exited;
};

readStoreContract('embedded', {
  cases: 100,
  concurrentWriters: true,
  open: async () => {
    const { path, remove } = await temporaryDirectory();
    return openIn(path, remove);
  },
  killWhileSaving: async () => {
    const { path, remove } = await temporaryDirectory();
    await killWhileItSaves(path);
    return openIn(path, remove);
  },
});
