import type { Database } from './sqlite.js';
import type { Batch, EventRow } from './writer-protocol.js';

export type TransactionResult =
  | { readonly kind: 'committed' }
  | { readonly kind: 'failed'; readonly outcome: 'failed' | 'unknown'; readonly message: string };

/** Writes many batches in one transaction: one fsync for all of them. Never throws. */
export const groupTransaction = (db: Database) => {
  const insertStream = db.prepare('INSERT INTO streams (id, name) VALUES (?, ?)');
  const insertEvent = db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const keep = db.prepare('INSERT OR REPLACE INTO retention (stream, max_count) VALUES (?, ?)');
  const keepAll = db.prepare('DELETE FROM retention WHERE stream = ?');
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');

  const insertEvents = (events: readonly EventRow[], payload: Uint8Array): void => {
    let offset = 0;
    for (const [position, stream, revision, id, type, created, isJson, length, total] of events) {
      const bytes = payload.subarray(offset, (offset += total));
      insertEvent.run(position, stream, revision, id, type, created, isJson, length, bytes);
    }
  };

  const insertBatch = (batch: Batch): void => {
    for (const [id, name] of batch.streams) insertStream.run(id, name);
    for (const [stream, maxCount] of batch.retention) {
      if (maxCount === null) keepAll.run(stream);
      else keep.run(stream, maxCount);
    }
    insertEvents(batch.events, batch.payload);
  };

  return (batches: readonly Batch[]): TransactionResult => {
    try {
      begin.run();
      batches.forEach(insertBatch);
    } catch (error) {
      rollBack(db);
      return { kind: 'failed', outcome: 'failed', message: messageOf(error) };
    }
    try {
      commit.run();
      return { kind: 'committed' };
    } catch (error) {
      rollBack(db);
      return { kind: 'failed', outcome: outcomeOf(error), message: messageOf(error) };
    }
  };
};

/** Some errors roll back by themselves; then there is nothing left to roll back. */
export const rollBack = (db: Database): void => {
  try {
    db.exec('ROLLBACK');
  } catch {
    return;
  }
};

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/**
 * A commit that breaks in its fsync may come back to life when the file is recovered after a
 * crash; one that found no space or no lock cannot.
 */
const outcomeOf = (error: unknown): 'failed' | 'unknown' => {
  const code = (error as { readonly errcode?: unknown }).errcode;
  return code === SQLITE_FULL || code === SQLITE_BUSY ? 'failed' : 'unknown';
};

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
