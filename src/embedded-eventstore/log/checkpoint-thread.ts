import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../sqlite.js';
import type { CheckpointDone } from './checkpoints.js';
import { errorText } from './group-transaction.js';

/** What is committed during a pass is left to the next; the log starts anew once a pass left nothing. */
const MAX_PASSES = 4;

interface Pass {
  /** The length of the write-ahead log, and how much of it is in the database, in pages. */
  readonly log: number;
  readonly checkpointed: number;
}

const db = openDatabase((workerData as { readonly path: string }).path);
db.exec('PRAGMA synchronous = FULL');
const pass = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');

const checkpoint = (): CheckpointDone => {
  try {
    for (let passes = 0; passes < MAX_PASSES; passes += 1) {
      const { log, checkpointed } = pass.get() as Pass;
      if (checkpointed === log) break;
    }
    return {};
  } catch (error) {
    return { failure: errorText(error) };
  }
};

parentPort?.on('message', (message: 'checkpoint' | 'close') => {
  if (message === 'checkpoint') {
    parentPort?.postMessage(checkpoint());
    return;
  }
  db.close();
  parentPort?.close();
});
