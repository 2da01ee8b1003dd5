import type { EventLogLogger } from '../log/event-log.js';
import type { ProjectionStore } from '../log/projection-store.js';
import { ProjectionError, type ProjectionStatistics } from './engine.js';
import {
  NOTHING_READ,
  type ProjectionCheckpoint,
  type ProjectionProgress,
  type ProjectionRecord,
  putOf,
} from './protocol.js';
import { type RunEnd, type RunningProjection, runProjectionThread } from './running-projection.js';
import type { ProjectionSources } from './sandbox-definition.js';

export interface ManagedOptions {
  readonly store: ProjectionStore;
  readonly logger: EventLogLogger;
  readonly executionTimeoutMs: number;
  readonly memoryLimitBytes: number;
  readonly newRun: () => number;
  readonly lastPosition: () => number;
  /** Called when the projection has processed everything it was given. */
  readonly onIdle: () => void;
}

export interface ManagedProjection {
  record(): ProjectionRecord;
  start(): void;
  /** Ends the run, if there is one; the projection may be started again. */
  stop(writeCheckpoint: boolean): Promise<void>;
  enable(): Promise<void>;
  disable(writeCheckpoint: boolean): Promise<void>;
  reset(): Promise<void>;
  update(query: string, emitEnabled: boolean | undefined): Promise<void>;
  remove(): Promise<void>;
  state(partition: string): Promise<readonly [string | null, string | null] | undefined>;
  statistics(): ProjectionStatistics;
  /** While it waits for events: its sources, and the position up to which it has read. */
  waiting(): { readonly sources: ProjectionSources; readonly upTo: number } | undefined;
  advance(upTo: number): void;
}

/** How long a run may take to stop before its thread is terminated. */
const STOP_MS = 10_000;
const RESTART_MS = 1000;

export const manageProjection = (
  initial: ProjectionRecord,
  options: ManagedOptions,
): ManagedProjection => {
  const { store, logger } = options;
  let record = initial;
  let running: RunningProjection | undefined;
  let activity: ProjectionActivity = 'stopped';
  let upTo = -1;
  let idle = false;
  let last: ProjectionProgress = {
    checkpoint: initial.checkpoint,
    handled: 0,
    busyMs: 0,
    cached: 0,
    pending: 0,
  };
  let queue: Promise<unknown> = Promise.resolve();
  let again: NodeJS.Timeout | undefined;

  /** Runs one change at a time. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work, work);
    queue = turn.catch(() => undefined);
    return turn;
  };

  const save = async (changes: Partial<ProjectionRecord>): Promise<void> => {
    record = { ...record, ...changes };
    await store.commit([putOf(record)], []);
  };

  const restart = (): void => {
    void inTurn(() => {
      start();
      return Promise.resolve();
    });
  };

  const noteEnd = (end: RunEnd): void => {
    const wasAsked = activity === 'stopping';
    last = running?.progress() ?? last;
    running = undefined;
    idle = false;
    activity = 'stopped';
    if (end.kind === 'stopped' || wasAsked) return;
    if (end.kind === 'lost') {
      again = setTimeout(restart, RESTART_MS).unref();
      return;
    }
    const fault = 'reason' in end ? end.reason : null;
    const condition = end.kind;
    if (fault !== null) {
      const reason = fault.replaceAll(/\s*\n\s*/g, ' ');
      logger.warn('projection faulted', { projection: record.text.name, reason });
    }
    inTurn(() => save({ condition, fault })).catch((error: unknown) =>
      logger.warn('projection could not be stored', { projection: record.text.name, error }),
    );
  };

  const start = (): void => {
    if (running !== undefined || !record.enabled) return;
    if (record.condition !== 'idle') return;
    upTo = -1;
    activity = 'starting';
    running = runProjectionThread({
      store,
      record,
      logger,
      executionTimeoutMs: options.executionTimeoutMs,
      memoryLimitBytes: options.memoryLimitBytes,
      onIdle: () => {
        if (activity === 'starting') activity = 'running';
        idle = true;
        options.onIdle();
      },
      onStored: ({ checkpoint }) => {
        record = { ...record, checkpoint };
      },
      onEnded: noteEnd,
    });
  };

  const stop = async (writeCheckpoint: boolean): Promise<void> => {
    clearTimeout(again);
    const run = running;
    if (run === undefined) return;
    activity = 'stopping';
    run.stop(writeCheckpoint);
    const timer = setTimeout(() => run.kill(), STOP_MS);
    await run.ended;
    clearTimeout(timer);
    if (running === run) noteEnd({ kind: 'stopped' });
  };

  const assertStopped = (): void => {
    if (running !== undefined) {
      throw new ProjectionError(
        'refused',
        "Cannot delete a projection that hasn't been stopped or faulted.",
      );
    }
  };

  return {
    record: () => record,
    start,
    stop: (writeCheckpoint) => inTurn(() => stop(writeCheckpoint)),
    enable: () =>
      inTurn(async () => {
        if (running !== undefined) return;
        await save({ enabled: true, condition: 'idle', fault: null });
        start();
      }),
    disable: (writeCheckpoint) =>
      inTurn(async () => {
        const wasRunning = running !== undefined;
        await stop(writeCheckpoint);
        const { condition } = record;
        const stopped = writeCheckpoint ? 'idle' : 'aborted';
        await save({ enabled: false, condition: wasRunning ? stopped : condition });
      }),
    reset: () =>
      inTurn(async () => {
        await stop(false);
        const version = record.version + 1;
        await save({
          version,
          epoch: version,
          run: options.newRun(),
          checkpoint: NOTHING_READ,
          condition: 'idle',
          fault: null,
        });
        last = { checkpoint: NOTHING_READ, handled: 0, busyMs: 0, cached: 0, pending: 0 };
        store.sweep();
        start();
      }),
    update: (query, emitEnabled) =>
      inTurn(async () => {
        await stop(true);
        const text = {
          ...record.text,
          query,
          emitEnabled: emitEnabled ?? record.text.emitEnabled,
        };
        const version = record.version + 1;
        await save({ text, version, condition: 'idle', fault: null });
        start();
      }),
    remove: () =>
      inTurn(async () => {
        assertStopped();
        await store.commit([{ kind: 'remove', id: record.id }], []);
        store.sweep();
      }),
    state: async (partition) => {
      if (record.condition === 'invalid') {
        throw new ProjectionError('no-state', 'The projection has no state: it never compiled.');
      }
      const found = await running?.state(partition);
      if (found !== undefined) return JSON.parse(found) as [string | null, string | null];
      const stored = store.stateOf(record.run, JSON.stringify(partition));
      return stored === undefined ? undefined : [stored.state, stored.result];
    },
    statistics: () =>
      statisticsOf({
        record,
        activity,
        progress: running?.progress() ?? last,
        writes: running?.writes() ?? 0,
        lastPosition: options.lastPosition(),
        isReading: !idle,
      }),
    waiting: () => {
      const sources = running?.sources();
      return idle && sources !== undefined ? { sources, upTo } : undefined;
    },
    advance: (to) => {
      idle = false;
      upTo = to;
      running?.advance(to);
    },
  };
};

const MODES = { continuous: 'Continuous', 'one-time': 'OneTime', transient: 'Transient' } as const;

/** What a projection is doing now; its stored record does not say. */
type ProjectionActivity = 'stopped' | 'starting' | 'running' | 'stopping';

const printedPlace = ({ position, streams }: ProjectionCheckpoint): string =>
  streams === undefined ? `C:${position}/P:${position}` : JSON.stringify(streams);

/** EventStoreDB's status words. */
const statusWords = (
  { condition, enabled }: ProjectionRecord,
  activity: ProjectionActivity,
): string => {
  if (activity === 'starting') return 'Preparing';
  if (activity === 'running') return 'Running';
  if (activity === 'stopping') return 'Stopping';
  switch (condition) {
    case 'invalid':
      return 'Faulted';
    case 'faulted':
      return enabled ? 'Faulted (Enabled)' : 'Faulted';
    case 'aborted':
      return 'Aborted/Stopped';
    case 'completed':
      return 'Completed/Stopped/Writing results';
    case 'idle':
      return 'Stopped';
  }
};

const percentOf = (read: number, last: number): number =>
  last <= 0 || read >= last ? 100 : Math.floor((1000 * read) / last) / 10;

const statisticsOf = (options: {
  readonly record: ProjectionRecord;
  readonly activity: ProjectionActivity;
  readonly progress: ProjectionProgress;
  readonly writes: number;
  readonly lastPosition: number;
  readonly isReading: boolean;
}): ProjectionStatistics => {
  const { record, activity, progress, writes, lastPosition } = options;
  const { name, mode } = record.text;
  const reading = activity === 'running' && options.isReading;
  return {
    name,
    effectiveName: name,
    mode: MODES[mode],
    status: statusWords(record, activity),
    stateReason: record.fault ?? '',
    checkpointStatus: writes > 0 ? 'Requested' : '',
    progress: percentOf(progress.checkpoint.position, lastPosition),
    position: printedPlace(progress.checkpoint),
    lastCheckpoint: printedPlace(record.checkpoint),
    eventsProcessedAfterRestart: progress.handled,
    coreProcessingTime: Math.round(progress.busyMs),
    version: record.version,
    epoch: record.epoch,
    readsInProgress: reading ? 1 : 0,
    writesInProgress: writes,
    partitionsCached: progress.cached,
    bufferedEvents: 0,
    writePendingEventsBeforeCheckpoint: progress.pending,
    writePendingEventsAfterCheckpoint: 0,
  };
};
