import type { ProjectionChange } from '../log/writer-protocol.js';
import type { ProjectionText } from './engine.js';
import type { ProjectionSources } from './sandbox-definition.js';

/** Messages between the main thread and the thread of one projection. */

/** How far a projection has read: in each stream, or in the log. */
export interface ProjectionCheckpoint {
  /** The log's position up to which everything was read. */
  readonly position: number;
  /** The last number read of each stream; absent when the source is the whole log. */
  readonly streams?: Readonly<Record<string, number>>;
}

export interface ProjectionThreadData {
  readonly path: string;
  /** The thread pauses for them. */
  readonly appendsInFlight: Int32Array;
  readonly id: number;
  readonly name: string;
  readonly query: string;
  readonly run: number;
  readonly emitEnabled: boolean;
  readonly endsAtCatchUp: boolean;
  readonly checkpoint: ProjectionCheckpoint;
  readonly executionTimeoutMs: number;
  readonly memoryLimitBytes: number;
  /** Counts up while the thread makes progress; odd while the projection's text runs. */
  readonly pulse: Int32Array;
}

export interface EmittedMessage {
  readonly stream: string;
  readonly type: string;
  readonly isJson: boolean;
  readonly data: string;
  /** A JSON object's text. */
  readonly metadata: string | null;
  readonly resultOf: string | null;
  /** The position of the event that caused it, as members of a JSON object without the braces. */
  readonly tag: string;
  readonly causedBy: string;
  /** JSON text. */
  readonly correlationId: string | undefined;
  /** Of the event and, for a result of a partition, of the link to it. */
  readonly ids: readonly [event: string, link?: string];
}

export type ToProjection =
  /** The log is committed and its links are indexed up to this position. */
  | { readonly kind: 'advance'; readonly upTo: number }
  | { readonly kind: 'committed' }
  | { readonly kind: 'state'; readonly id: number; readonly partition: string }
  | { readonly kind: 'stop'; readonly writeCheckpoint: boolean };

export interface ProjectionProgress {
  readonly checkpoint: ProjectionCheckpoint;
  readonly handled: number;
  readonly busyMs: number;
  readonly cached: number;
  readonly pending: number;
}

export type FromProjection =
  | { readonly kind: 'defined'; readonly sources: ProjectionSources }
  | { readonly kind: 'invalid'; readonly reason: string }
  | {
      readonly kind: 'commit';
      readonly progress: ProjectionProgress;
      readonly states: string;
      readonly emitted: readonly EmittedMessage[];
    }
  /** Everything up to the last `advance` has been processed. */
  | { readonly kind: 'idle'; readonly progress: ProjectionProgress }
  | { readonly kind: 'progress'; readonly progress: ProjectionProgress }
  | {
      readonly kind: 'state';
      readonly id: number;
      /** JSON text of state and result. */
      readonly found: string | undefined;
    }
  | { readonly kind: 'logged'; readonly lines: readonly string[] }
  | { readonly kind: 'faulted'; readonly reason: string }
  /** A one-time projection has processed everything. */
  | { readonly kind: 'completed'; readonly progress: ProjectionProgress }
  | { readonly kind: 'stopped' };

/** A projection's stored record; its states are stored separately. */
export interface ProjectionRecord {
  readonly id: number;
  /** The key of its states: a reset begins a new run. */
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

/** The part that is stored as JSON in the column `definition`; the rest has columns of its own. */
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
