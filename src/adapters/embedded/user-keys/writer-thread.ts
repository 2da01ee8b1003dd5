import { parentPort, workerData } from 'node:worker_threads';
import { transaction } from '../../../embedded-eventstore/sqlite.js';
import {
  closeWriting,
  openForWriting,
  sqliteFailureOf,
  type SqliteFailure,
} from '../read-store/file.js';
import { type KeyWrite, statementOf, USER_KEYS } from './key-file.js';

/** Writes that share a transaction; an empty list ends the thread. */
export type KeyWrites = readonly KeyWrite[];

/** Null if the transaction is on disk. */
export type KeyWritesDone = SqliteFailure | null;

const db = openForWriting(workerData as string, USER_KEYS);

const write = (writes: KeyWrites): KeyWritesDone => {
  try {
    transaction(db, () => {
      for (const each of writes) {
        const [sql, ...values] = statementOf(each);
        db.prepare(sql).run(...values);
      }
    });
    // The write-ahead log may still contain a removed key.
    if (writes.some(({ kind }) => kind === 'remove')) db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return null;
  } catch (error) {
    return sqliteFailureOf(error);
  }
};

parentPort?.on('message', (writes: KeyWrites) => {
  if (writes.length > 0) {
    parentPort?.postMessage(write(writes));
    return;
  }
  closeWriting(db);
  parentPort?.close();
});
parentPort?.postMessage(null);
