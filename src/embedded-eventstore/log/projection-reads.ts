import type { PrepareRead } from './links.js';

/** A projection as stored; only the engine reads the texts. */
export interface StoredProjection {
  readonly id: number;
  readonly definition: string;
  readonly run: number;
  readonly checkpoint: string;
}

export interface StoredState {
  readonly state: string | null;
  readonly result: string | null;
}

export interface ProjectionReader {
  list(): readonly StoredProjection[];
  lastRun(): number;
  stateOf(run: number, partition: string): StoredState | undefined;
  streamsOf(id: number): readonly string[];
}

/** What is stored of the projections, read on the log's connection. */
export const createProjectionReader = (prepare: PrepareRead): ProjectionReader => {
  const all = prepare('SELECT id, definition, run, checkpoint FROM projections ORDER BY id');
  const runs = prepare(`
    SELECT max(coalesce((SELECT max(run) FROM projections), 0),
      coalesce((SELECT max(run) FROM projection_runs_left), 0))`);
  const one = prepare(
    'SELECT state, result FROM projection_states WHERE run = ? AND partition = ?',
  );
  const streams = prepare('SELECT stream FROM projection_streams WHERE projection = ?');
  return {
    list: () =>
      (all.all() as [number, string, number, string][]).map(
        ([id, definition, run, checkpoint]) => ({
          id,
          definition,
          run,
          checkpoint,
        }),
      ),
    lastRun: () => (runs.get() as [number])[0],
    stateOf: (run, partition) => {
      const row = one.get(run, partition) as [string | null, string | null] | undefined;
      return row === undefined ? undefined : { state: row[0], result: row[1] };
    },
    streamsOf: (id) => (streams.all(id) as [string][]).map(([stream]) => stream),
  };
};
