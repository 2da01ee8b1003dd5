import type { ProjectionStatistics } from './engine.js';
import type { ProjectionCheckpoint, ProjectionProgress } from './protocol.js';
import type { ProjectionRecord } from './stored-projection.js';

const MODES = { continuous: 'Continuous', 'one-time': 'OneTime', transient: 'Transient' } as const;

/** What a projection is doing, apart from what is stored of it. */
export type ProjectionActivity = 'stopped' | 'starting' | 'running' | 'stopping';

const printedPlace = ({ position, streams }: ProjectionCheckpoint): string =>
  streams === undefined ? `C:${position}/P:${position}` : JSON.stringify(streams);

/** EventStoreDB's words. */
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

export const statisticsOf = (options: {
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
