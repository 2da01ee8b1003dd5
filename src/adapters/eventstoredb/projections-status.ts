import type { ProjectionDetails } from '@eventstore/db-client';
import type { ProjectionCondition, ProjectionStatus } from '../../ports/projections.js';

export const statusOf = (details: ProjectionDetails): ProjectionStatus => ({
  name: details.name,
  condition: conditionOf(details.status),
  status: details.status,
  reason: reasonIn(details.stateReason),
  timedOut: conditionOf(details.status) === 'faulted' && TOO_LONG.test(details.stateReason),
  progress: details.progress,
  position: details.position,
});

/**
 * The server's first line says that an event failed, its stack of some sixty lines how the server
 * came to it; the event and the sentence that helps are in between.
 */
const reasonIn = (stateReason: string): string => {
  const lines = stateReason.split(/\r?\n/).map((line) => line.trim());
  const first = lines.find((line) => line !== '') ?? '';
  const label = lines.findIndex((line) => line.startsWith('Message:'));
  if (label === -1) return first;
  const message = lines.slice(label).map((line) => line.replace(/^Message:\s*/, ''));
  const position = lines.find((line) => line.startsWith('Event Position:'));
  const parts = [first, position, message.find((line) => line !== '')];
  return parts.filter((part) => part !== undefined).join(' ');
};

const TOO_LONG = /took too long|timed out|TimeoutException/i;

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
