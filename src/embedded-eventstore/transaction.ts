import type { Database } from './sqlite.js';

/** All that the work writes, or nothing of it. */
export const transaction = <T>(db: Database, work: () => T): T => {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(db);
    throw error;
  }
};

/** SQLite has rolled back by itself after some failures, a full disk among them. */
const rollBack = (db: Database): void => {
  try {
    db.exec('ROLLBACK');
  } catch {
    // Nothing was open any more; the failure that matters is the one before.
  }
};
