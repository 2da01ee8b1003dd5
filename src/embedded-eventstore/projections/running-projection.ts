import { setTimeout as delay } from 'node:timers/promises';
import type { EventLogLogger } from '../log/event-log.js';
import type { ProjectionStore, EmittedWrite } from '../log/projection-store.js';
import { createEmittedWrites, EmitError } from './emitted-writes.js';
import { startProjectionWorker } from './projection-worker.js';
import type { FromProjection, ProjectionProgress, ProjectionRecord } from './protocol.js';
import type { ProjectionSources } from './sandbox-definition.js';

export interface RunningOptions {
  readonly store: ProjectionStore;
  readonly record: ProjectionRecord;
  readonly logger: EventLogLogger;
  readonly executionTimeoutMs: number;
  readonly memoryLimitBytes: number;
  /** Everything was processed; `advance` tells it of more. */
  readonly onIdle: () => void;
  readonly onStored: (progress: ProjectionProgress) => void;
  /** Called once, when the run has stopped, completed or failed. */
  readonly onEnded: (end: RunEnd) => void;
}

export type RunEnd =
  | { readonly kind: 'stopped' | 'completed' }
  | { readonly kind: 'invalid' | 'faulted'; readonly reason: string }
  /** The log refused a commit: the next run starts from what is stored. */
  | { readonly kind: 'lost' };

export interface RunningProjection {
  progress(): ProjectionProgress;
  sources(): ProjectionSources | undefined;
  writes(): number;
  advance(upTo: number): void;
  /** JSON text of state and result. */
  state(partition: string): Promise<string | undefined>;
  stop(writeCheckpoint: boolean): void;
  kill(): void;
  readonly ended: Promise<void>;
}

type CommitMessage = Extract<FromProjection, { readonly kind: 'commit' }>;

const BUSY_MS = 100;

/** One run of a projection: its thread, and the commits of its states and events. */
export const runProjectionThread = (options: RunningOptions): RunningProjection => {
  const { store, record, logger } = options;
  const { text } = record;
  const emitting = createEmittedWrites(store);
  const asked = new Map<number, (found: string | undefined) => void>();
  let nextQuestion = 1;
  let sources: ProjectionSources | undefined;
  let writing = 0;
  let over = false;
  let progress: ProjectionProgress = {
    checkpoint: record.checkpoint,
    handled: 0,
    busyMs: 0,
    cached: 0,
    pending: 0,
  };

  /** A function, because its result changes across awaits. */
  const isOver = (): boolean => over;

  const end = (ending: RunEnd): void => {
    if (over) return;
    over = true;
    for (const answer of asked.values()) answer(undefined);
    asked.clear();
    options.onEnded(ending);
  };

  const changeOf = (message: CommitMessage, writes: readonly EmittedWrite[]) => ({
    kind: 'advance' as const,
    id: record.id,
    run: record.run,
    checkpoint: JSON.stringify(message.progress.checkpoint),
    states: message.states,
    streams: text.trackEmittedStreams ? writes.map(({ stream }) => stream) : [],
  });

  /** Retries while the log is busy: then nothing was written. */
  const commitWhenPossible = async (message: CommitMessage): Promise<void> => {
    const { emitted } = message;
    const projection = { ...record, name: text.name };
    while (!over) {
      if (sources !== undefined) await emitting.look(projection, sources, emitted);
      // From here to the commit nothing may come in between, not even the end of this run.
      if (isOver()) return;
      const writes = sources === undefined ? [] : emitting.writes(projection, sources, emitted);
      try {
        await store.commit([changeOf(message, writes)], writes);
        return;
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== 'busy') throw error;
        await delay(BUSY_MS);
      }
    }
  };

  let settled: Promise<void> = Promise.resolve();
  const commit = async (message: CommitMessage): Promise<void> => {
    writing += 1;
    try {
      await commitWhenPossible(message);
      if (over) return;
      // Meanwhile the thread may have reported later progress.
      if (message.progress.handled >= progress.handled) progress = message.progress;
      options.onStored(message.progress);
      worker.tell({ kind: 'committed' });
    } catch (error) {
      worker.kill();
      if (error instanceof EmitError) {
        end({ kind: 'faulted', reason: error.message });
        return;
      }
      if ((error as { readonly code?: unknown }).code === 'closed') {
        end({ kind: 'stopped' });
        return;
      }
      logger.warn('projection could not be stored', { projection: text.name, error });
      end({ kind: 'lost' });
    } finally {
      writing -= 1;
    }
  };

  const received = (message: FromProjection): void => {
    switch (message.kind) {
      case 'defined':
        sources = message.sources;
        options.onIdle();
        return;
      case 'commit':
        settled = commit(message);
        return;
      case 'idle':
        progress = message.progress;
        options.onIdle();
        return;
      case 'progress':
        progress = message.progress;
        return;
      case 'state':
        asked.get(message.id)?.(message.found);
        asked.delete(message.id);
        return;
      case 'logged':
        for (const line of message.lines) logger.debug(line, { projection: text.name });
        return;
      case 'invalid':
      case 'faulted':
        end({ kind: message.kind, reason: message.reason });
        return;
      case 'stopped':
      case 'completed':
        end({ kind: message.kind });
        return;
    }
  };

  const worker = startProjectionWorker(
    {
      path: store.path,
      appendsInFlight: store.appendsInFlight,
      id: record.id,
      name: text.name,
      query: text.query,
      run: record.run,
      emitEnabled: text.emitEnabled,
      endsAtCatchUp: text.mode !== 'continuous',
      checkpoint: record.checkpoint,
      executionTimeoutMs: options.executionTimeoutMs,
      memoryLimitBytes: options.memoryLimitBytes,
    },
    {
      received,
      died: (reason) => end({ kind: 'faulted', reason }),
    },
  );

  return {
    progress: () => progress,
    sources: () => sources,
    writes: () => writing,
    advance: (upTo) => worker.tell({ kind: 'advance', upTo }),
    state: (partition) =>
      new Promise((resolve) => {
        if (over) {
          resolve(undefined);
          return;
        }
        const id = nextQuestion++;
        asked.set(id, resolve);
        worker.tell({ kind: 'state', id, partition });
      }),
    stop: (writeCheckpoint) => worker.tell({ kind: 'stop', writeCheckpoint }),
    kill: () => worker.kill(),
    ended: worker.ended.then(() => settled),
  };
};
