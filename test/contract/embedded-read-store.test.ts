import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openReadStore } from '../../src/adapters/embedded/read-store.js';
import { silentLogger } from '../../src/platform/logger.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { readStoreContract } from './read-store.features.js';
import type { OpenReadStore } from './read-store/target.js';

const openIn = async (dataDir: string, remove: () => Promise<void>): Promise<OpenReadStore> => {
  const open = () => openReadStore({ dataDir, logger: silentLogger() });
  let current = await open();
  return {
    store: current,
    reopen: async () => {
      await current.close();
      return (current = await open());
    },
    stop: async () => {
      await current.close();
      await remove();
    },
  };
};

const KEEP_SAVING = fileURLToPath(new URL('./read-store/keep-saving-embedded.js', import.meta.url));

/** Lets a process save some rounds and kills it, wherever it is by then. */
const killOnceItSaved = async (dataDir: string, rounds: number): Promise<void> => {
  const child = spawn(process.execPath, [KEEP_SAVING, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let seen = 0;
  for await (const chunk of child.stdout) {
    seen += String(chunk).split('\n').length - 1;
    if (seen >= rounds) child.kill('SIGKILL');
  }
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
    for (const rounds of [3, 17, 60]) await killOnceItSaved(path, rounds);
    return openIn(path, remove);
  },
});
