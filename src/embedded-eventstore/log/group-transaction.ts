import { type Database, rollBack, SQLITE, sqliteCodeOf } from '../sqlite.js';
import { FILE_LOST } from './log-check.js';
import {
  type AppendBatch,
  type EventColumns,
  NUMBERS_PER_EVENT,
  type ProjectionChange,
  type StateRow,
} from './writer-protocol.js';

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

/** What the writer thread does with a change to a projection, within the transaction of its events. */
const projectionWrites = (db: Database): ((change: ProjectionChange) => void) => {
  const put = db.prepare(`
    INSERT INTO projections (id, definition, run, checkpoint) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE
    SET definition = excluded.definition, run = excluded.run,
      checkpoint = CASE run WHEN excluded.run THEN checkpoint ELSE excluded.checkpoint END`);
  const leave = db.prepare(
    'INSERT OR IGNORE INTO projection_runs_left SELECT run FROM projections WHERE id = ? AND run <> ?',
  );
  const remove = db.prepare('DELETE FROM projections WHERE id = ?');
  const forgetStreams = db.prepare('DELETE FROM projection_streams WHERE projection = ?');
  const advance = db.prepare('UPDATE projections SET checkpoint = ? WHERE id = ? AND run = ?');
  const state = db.prepare('INSERT OR REPLACE INTO projection_states VALUES (?, ?, ?, ?)');
  const track = db.prepare('INSERT OR IGNORE INTO projection_streams VALUES (?, ?)');

  return (change) => {
    switch (change.kind) {
      case 'put':
        leave.run(change.id, change.run);
        put.run(change.id, change.definition, change.run, change.checkpoint);
        return;
      case 'remove':
        leave.run(change.id, -1);
        remove.run(change.id);
        forgetStreams.run(change.id);
        return;
      case 'advance':
        advance.run(change.checkpoint, change.id, change.run);
        for (const row of JSON.parse(change.states) as StateRow[]) state.run(change.run, ...row);
        for (const stream of change.streams) track.run(change.id, stream);
        return;
    }
  };
};

const STATES_PER_SLICE = 100;

/** Deletes some states of runs that are over; answers whether there are more. */
export const sweepProjections = (db: Database): (() => boolean) => {
  const first = db.prepare('SELECT run FROM projection_runs_left LIMIT 1');
  first.setReturnArrays(true);
  const clear = db.prepare(`
    DELETE FROM projection_states WHERE run = ?1 AND partition IN (
      SELECT partition FROM projection_states WHERE run = ?1 LIMIT ${STATES_PER_SLICE})`);
  const done = db.prepare('DELETE FROM projection_runs_left WHERE run = ?');

  return () => {
    try {
      const [run] = (first.get() as [number] | undefined) ?? [];
      if (run === undefined) return false;
      if (Number(clear.run(run).changes) === 0) done.run(run);
      return true;
    } catch {
      // Nothing is lost; the next sweep tries again.
      rollBack(db);
      return false;
    }
  };
};
