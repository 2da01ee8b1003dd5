import { type Database, rollBack } from '../sqlite.js';
import type { ProjectionChange, StateRow } from './writer-protocol.js';

/** What the writer thread does with a change to a projection, within the transaction of its events. */
export const projectionWrites = (db: Database): ((change: ProjectionChange) => void) => {
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

const STATES_PER_SLICE = 1000;

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
