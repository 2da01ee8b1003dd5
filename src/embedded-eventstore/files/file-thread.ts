import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../sqlite.js';
import { checkFile, type FileCheck } from './check-file.js';
import type { FileTask } from './file-tasks.js';

const copyFile = (path: string, to: string): void => {
  const db = openDatabase(path, { readOnly: true });
  try {
    db.prepare('VACUUM INTO ?').run(to);
  } finally {
    db.close();
  }
};

const perform = (task: FileTask): FileCheck | null => {
  if (task.kind === 'check') return checkFile(task.path, task.isLog);
  copyFile(task.path, task.to);
  return null;
};

parentPort?.postMessage(perform(workerData as FileTask));
