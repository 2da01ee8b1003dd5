import { type Database, rollBack, SQLITE, sqliteCodeOf } from '../sqlite.js';
import { FILE_LOST } from './log-check.js';
import { projectionWrites } from './projection-rows.js';
import { NUMBERS_PER_EVENT, type AppendBatch, type EventColumns } from './writer-protocol.js';

type EventNumbers = readonly [number, number, number, number, number, number, number];

export type TransactionResult =
  | { readonly kind: 'committed' }
  | { readonly kind: 'failed'; readonly outcome: 'failed' | 'unknown'; readonly message: string };

/**
 * Writes many batches in one transaction, with one fsync for all. Never throws. Nothing counts as
 * committed in a file that is no longer at its path.
 */
export const groupTransaction = (db: Database, isInPlace: () => boolean = () => true) => {
  const insertStream = db.prepare('INSERT INTO streams (id, name) VALUES (?, ?)');
  // Node 22 binds an empty BLOB as NULL.
  const insertEvent = db.prepare(
    "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, x''))",
  );
  const keep = db.prepare('INSERT OR REPLACE INTO retention (stream, max_count) VALUES (?, ?)');
  const keepAll = db.prepare('DELETE FROM retention WHERE stream = ?');
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const writeProjection = projectionWrites(db);

  const insertEvents = ({ numbers, ids, types, payload }: EventColumns): void => {
    let offset = 0;
    for (const [index, id] of ids.entries()) {
      const start = index * NUMBERS_PER_EVENT;
      const [position, stream, revision, created, isJson, dataLength, length] = numbers.subarray(
        start,
        start + NUMBERS_PER_EVENT,
      ) as unknown as EventNumbers;
      const bytes = payload.subarray(offset, (offset += length));
      const type = types[index] ?? '';
      insertEvent.run(position, stream, revision, id, type, created, isJson, dataLength, bytes);
    }
  };

  const insertBatch = (batch: AppendBatch): void => {
    for (const [id, name] of batch.streams) insertStream.run(id, name);
    for (const [stream, maxCount] of batch.retention) {
      if (maxCount === null) keepAll.run(stream);
      else keep.run(stream, maxCount);
    }
    insertEvents(batch);
    batch.projections.forEach(writeProjection);
  };

  return (batches: readonly AppendBatch[]): TransactionResult => {
    if (!isInPlace()) return { kind: 'failed', outcome: 'failed', message: FILE_LOST };
    try {
      begin.run();
      batches.forEach(insertBatch);
    } catch (error) {
      rollBack(db);
      return { kind: 'failed', outcome: 'failed', message: errorText(error) };
    }
    try {
      commit.run();
      // Whoever moved the file away may put it back, with these events in it.
      return isInPlace()
        ? { kind: 'committed' }
        : { kind: 'failed', outcome: 'unknown', message: FILE_LOST };
    } catch (error) {
      rollBack(db);
      return { kind: 'failed', outcome: outcomeOfCommit(error), message: errorText(error) };
    }
  };
};

/**
 * A commit that fails in its fsync may reappear when the file is recovered after a crash; one that
 * failed for lack of space or a lock cannot.
 */
const outcomeOfCommit = (error: unknown): 'failed' | 'unknown' => {
  const code = sqliteCodeOf(error);
  return code === SQLITE.FULL || code === SQLITE.BUSY ? 'failed' : 'unknown';
};

export const errorText = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
