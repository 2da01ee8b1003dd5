import type { ProjectionChange } from '../log/writer-protocol.js';
import type { ProjectionText } from './engine.js';
import type { ProjectionCheckpoint } from './protocol.js';

/** What is stored of a projection, apart from its states. */
export interface ProjectionRecord {
  readonly id: number;
  /** Its states belong to a run: a reset begins another one. */
  readonly run: number;
  readonly text: ProjectionText;
  readonly enabled: boolean;
  readonly version: number;
  readonly epoch: number;
  readonly fault: string | null;
  readonly condition: 'idle' | 'invalid' | 'faulted' | 'aborted' | 'completed';
  readonly checkpoint: ProjectionCheckpoint;
}

export const NOTHING_READ: ProjectionCheckpoint = { position: 0 };

/** What is kept in the text `definition`; the rest has columns. */
type Definition = Omit<ProjectionRecord, 'id' | 'run' | 'checkpoint'>;

export const putOf = (record: ProjectionRecord): ProjectionChange => {
  const { id, run, checkpoint, ...definition } = record;
  return {
    kind: 'put',
    id,
    run,
    definition: JSON.stringify(definition),
    checkpoint: JSON.stringify(checkpoint),
  };
};

export const recordOfRow = (row: {
  readonly id: number;
  readonly run: number;
  readonly definition: string;
  readonly checkpoint: string;
}): ProjectionRecord => ({
  ...(JSON.parse(row.definition) as Definition),
  id: row.id,
  run: row.run,
  checkpoint: JSON.parse(row.checkpoint) as ProjectionCheckpoint,
});
