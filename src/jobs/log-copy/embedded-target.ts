import type { EventLog } from '../../embedded-eventstore/log/event-log.js';
import type { EventStore, RecordedEvent } from '../../ports/event-store.js';
import { appendableGroups, createPatience, type LogTarget, otherEvents } from './target.js';

/** The embedded log of a directory, in which every event is as it was. */
export const embeddedTarget = (
  log: EventLog,
  store: EventStore,
  signal: AbortSignal,
): LogTarget => ({
  store,
  isExact: true,
  patiently: createPatience(signal),
  write: async (events) => {
    let written = 0;
    for (const group of appendableGroups(events)) {
      signal.throwIfAborted();
      const outcome = await log.copy(group.map(toCopied));
      if (outcome.kind === 'conflict') throw otherEvents(outcome.stream, outcome.revision);
      written += outcome.written;
    }
    return written;
  },
});

const toCopied = ({ recordedAt, position: _, ...event }: RecordedEvent) => ({
  ...event,
  created: recordedAt,
});
