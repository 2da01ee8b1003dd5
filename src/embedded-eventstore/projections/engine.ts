/** The engine behind the Projections service: whose projections run, how far they are, and their states. */
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
  /** The call does not fit the state that the projection is in, or an argument is not valid. */
  | 'refused'
  /** There is no state to answer: the text never compiled. EventStoreDB lets such a call time out. */
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

/** As EventStoreDB's statistics: status words, progress and positions are strings and numbers of its own form. */
export interface ProjectionStatistics {
  readonly name: string;
  readonly effectiveName: string;
  readonly mode: 'Continuous' | 'OneTime' | 'Transient';
  /** "Running", "Stopped", "Faulted (Enabled)", "Faulted", "Completed/Stopped/Writing results", ... */
  readonly status: string;
  readonly stateReason: string;
  readonly checkpointStatus: string;
  /** Per cent. */
  readonly progress: number;
  /** The place in its source, as the server prints it: `{"movie-1":23}`, `C:100/P:100`, ... */
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
  /** Durable when it resolves. A text that does not compile is created and shows as faulted, as on EventStoreDB. */
  create(text: ProjectionText): Promise<void>;
  /** Goes on with the old state. `emitEnabled` undefined leaves it as it is. */
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
  /** `writeCheckpoint` false is an abort. */
  disable(name: string, writeCheckpoint: boolean): Promise<void>;
  /** From the beginning again; what it emitted is truncated and emitted anew. */
  reset(name: string): Promise<void>;
  /** JSON text; undefined where the partition has none (the server answers an empty value). '' is the shared or only partition. */
  state(name: string, partition: string): Promise<string | undefined>;
  result(name: string, partition: string): Promise<string | undefined>;
  statistics(): readonly ProjectionStatistics[];
  /** RestartSubsystem: stops all with a checkpoint and starts those that are enabled. */
  restart(): Promise<void>;
  /** Writes checkpoints, ends the threads. May be called twice. */
  close(): Promise<void>;
}
