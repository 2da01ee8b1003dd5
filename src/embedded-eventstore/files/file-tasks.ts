import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { FileCheck } from './check-file.js';

export type FileTask =
  | { readonly kind: 'check'; readonly path: string; readonly isLog: boolean }
  | { readonly kind: 'copy'; readonly path: string; readonly to: string };

const FILE_THREAD = new URL('./file-thread.js', import.meta.url);

/** A thread of its own, because SQLite blocks the one it runs on. Rejects with SQLite's error. */
const inThread = async (task: FileTask): Promise<unknown> => {
  const worker = new Worker(FILE_THREAD, { workerData: task });
  // An error rejects both.
  const [message] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  return (message as [unknown])[0];
};

/** Checks the pages of a file, and with `isLog` revisions and positions, beside its writer. */
export const checkDatabase = async (path: string, isLog: boolean): Promise<FileCheck> =>
  (await inThread({ kind: 'check', path, isLog })) as FileCheck;

/** Copies one commit of a database to a new file, beside its writer; the copy is on disk then. */
export const copyDatabase = async (path: string, to: string): Promise<void> => {
  await inThread({ kind: 'copy', path, to });
  await syncPath(to);
};

/** Resolves when the file, or the entries of the directory, are on disk. */
export const syncPath = async (path: string): Promise<void> => {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};
