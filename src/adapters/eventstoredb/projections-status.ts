import type { ProjectionDetails } from '@eventstore/db-client';
import type { ProjectionCondition, ProjectionStatus } from '../../ports/projections.js';

export const statusOf = (details: ProjectionDetails): ProjectionStatus => ({
  name: details.name,
  condition: conditionOf(details.status),
  status: details.status,
  reason: details.stateReason,
  progress: details.progress,
  position: details.position,
});

/** The server adds to the first word: `Faulted (Enabled)`, `Running/Paused`. */
const conditionOf = (status: string): ProjectionCondition => {
  const [word = ''] = /^[A-Za-z]*/.exec(status) ?? [];
  return CONDITIONS.get(word) ?? 'changing';
};

const CONDITIONS: ReadonlyMap<string, ProjectionCondition> = new Map([
  ['Running', 'running'],
  ['Stopped', 'stopped'],
  ['Completed', 'stopped'],
  ['Aborted', 'stopped'],
  ['Faulted', 'faulted'],
]);
