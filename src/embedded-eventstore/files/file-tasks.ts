import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FileCheck } from './check-file.js';

export type FileTask =
  | { readonly kind: 'check'; readonly path: string; readonly isLog: boolean }
  | { readonly kind: 'copy'; readonly path: string; readonly to: string };

const FILE_THREAD = new URL('./file-thread.js', import.meta.url);

/** A thread of its own, because SQLite blocks the one it runs on. Rejects with SQLite's error. */
const inThread = async (task: FileTask): Promise<unknown> => {
  const worker = new Worker(FILE_THREAD, { workerData: task });
  const exit = once(worker, 'exit');
  const [result] = (await once(worker, 'message')) as [unknown];
  await exit;
  return result;
};

/** Checks the pages of a file, and with `isLog` revisions and positions, beside its writer. */
export const checkDatabase = async (path: string, isLog: boolean): Promise<FileCheck> =>
  (await inThread({ kind: 'check', path, isLog })) as FileCheck;
