import type { JsonValue } from './json.js';

/** The definition of a continuous projection. */
export interface ProjectionDefinition {
  readonly name: string;
  /** The whole JavaScript text that the engine runs. */
  readonly query: string;
  /** Whether it may write events or links. */
  readonly emit: boolean;
}

/** `changing` is on its way from one to another: being created, started or stopped. */
export type ProjectionCondition = 'running' | 'stopped' | 'faulted' | 'changing';

export interface ProjectionStatus {
  readonly name: string;
  readonly condition: ProjectionCondition;
  /** In the server's words, for people. */
  readonly status: string;
  /** Why it is faulted, in one line; else mostly empty. */
  readonly reason: string;
  /** Whether it is faulted because a step took too long; the next attempt may not. */
  readonly timedOut: boolean;
  /** Per cent of its source that it has read. */
  readonly progress: number;
  /** Its position in its source, as the server prints it. */
  readonly position: string;
}

/** What `deploy` did. */
type Deployed = 'created' | 'updated' | 'restarted' | 'unchanged';

/**
 * The event store's own projection engine.
 *
 * - PJ-1 `deploy` creates a projection that is not there, running from the beginning of the log.
 * - PJ-2 Deploying the same definition again changes nothing, whoever deployed it before. A
 *        query that was changed in the server's own pages is not noticed.
 * - PJ-3 Deploying another query or emit under the same name replaces the projection, and computes it
 *        anew from the beginning: what it emitted is cut off and emitted again. A projection that had read
 *        the first lot reads the second too: it skips what it knows by the revision of the source.
 * - PJ-4 A deployed projection runs, also one that had been stopped or was faulted before: `restarted`
 *        where that is all there was to do.
 * - PJ-5 `list` returns every continuous projection of the server, including its own (`$...`).
 * - PJ-6 `stateOf` returns the state of a partition as the engine has it at this moment; null where
 *        there is none, or no such projection.
 * - PJ-7 An event store without an engine rejects with NOT_SUPPORTED and a sentence. So does a
 *        definition that the engine refuses; one that it takes and cannot run shows as faulted. Both
 *        say why, in the engine's words.
 * - PJ-8 A server that cannot be reached, does not answer in time or was closed on our side rejects with
 *        UnavailableError. No call hangs, and every call may be repeated.
 * - PJ-9 `enable` has a projection run that is there, also one of the server's own.
 * - PJ-10 A reason is one line, without the server's stack.
 */
export interface Projections {
  list(): Promise<readonly ProjectionStatus[]>;
  deploy(definition: ProjectionDefinition): Promise<Deployed>;
  enable(name: string): Promise<void>;
  stateOf(name: string, partition: string): Promise<JsonValue>;
}

/** An event store that comes with an engine, or with a way to ask whether it has one. */
export interface WithProjections {
  readonly projections: Projections;
}
