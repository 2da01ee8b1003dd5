/** The engine behind the Projections service: creates, runs and reports on projections. */
type ProjectionMode = 'continuous' | 'one-time' | 'transient';

export interface ProjectionText {
  readonly name: string;
  readonly query: string;
  readonly mode: ProjectionMode;
  readonly emitEnabled: boolean;
  readonly trackEmittedStreams: boolean;
}

export type ProjectionErrorCode =
  /** The name is taken. */
  | 'conflict'
  | 'not-found'
  /** The projection's current status does not allow the call, or an argument is invalid. */
  | 'refused'
  /** There is no state to return: the query never compiled. EventStoreDB lets such a call time out. */
  | 'no-state'
  /** Closing or closed. */
  | 'closed';

export class ProjectionError extends Error {
  override readonly name = 'ProjectionError';
  constructor(
    readonly code: ProjectionErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** EventStoreDB's statistics, with its status words and its formats of positions. */
export interface ProjectionStatistics {
  readonly name: string;
  readonly effectiveName: string;
  readonly mode: 'Continuous' | 'OneTime' | 'Transient';
  /** "Running", "Stopped", "Faulted (Enabled)", "Faulted", "Completed/Stopped/Writing results", ... */
  readonly status: string;
  readonly stateReason: string;
  readonly checkpointStatus: string;
  /** In per cent. */
  readonly progress: number;
  /** The position in its source, as the server prints it: `{"movie-1":23}`, `C:100/P:100`, ... */
  readonly position: string;
  readonly lastCheckpoint: string;
  readonly eventsProcessedAfterRestart: number;
  readonly coreProcessingTime: number;
  readonly version: number;
  readonly epoch: number;
  readonly readsInProgress: number;
  readonly writesInProgress: number;
  readonly partitionsCached: number;
  readonly bufferedEvents: number;
  readonly writePendingEventsBeforeCheckpoint: number;
  readonly writePendingEventsAfterCheckpoint: number;
}

export interface ProjectionEngine {
  /** Durable when it resolves. A query that does not compile is created as faulted, as on EventStoreDB. */
  create(text: ProjectionText): Promise<void>;
  /** Keeps the state and the position. `emitEnabled` is unchanged if undefined. */
  update(name: string, query: string, emitEnabled: boolean | undefined): Promise<void>;
  delete(
    name: string,
    also: {
      readonly emittedStreams: boolean;
      readonly stateStream: boolean;
      readonly checkpointStream: boolean;
    },
  ): Promise<void>;
  enable(name: string): Promise<void>;
  /** Without a checkpoint this is EventStoreDB's abort. */
  disable(name: string, writeCheckpoint: boolean): Promise<void>;
  /** Starts over from the beginning; what it emitted is truncated and emitted again. */
  reset(name: string): Promise<void>;
  /** JSON text; undefined if the partition has no state. '' is the shared or only partition. */
  state(name: string, partition: string): Promise<string | undefined>;
  result(name: string, partition: string): Promise<string | undefined>;
  statistics(): readonly ProjectionStatistics[];
  /** Stops all projections with a checkpoint and starts those that are enabled. */
  restart(): Promise<void>;
  /** Writes checkpoints and ends the threads. May be called twice. */
  close(): Promise<void>;
}
