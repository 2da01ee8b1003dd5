import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogFilter, LogRecord } from './event-log.js';

const matching = ({ on, prefixes, regex }: LogFilter): ((event: LogRecord) => boolean) => {
  const matches = (text: string): boolean =>
    regex === undefined
      ? (prefixes ?? []).some((prefix) => text.startsWith(prefix))
      : regex.test(text);
  return on === 'stream' ? (event) => matches(event.stream) : (event) => matches(event.type);
};

/** How long matching may keep the event loop from everybody else. */
const MAX_BUSY_MS = 20;

/** A filter is a client's, and many names may each take long: whoever matches them rests in between. */
export const pacedFilter = (filter: LogFilter) => {
  const matches = matching(filter);
  let busyMs = 0;
  return {
    matches(event: LogRecord): boolean {
      const startedAt = performance.now();
      const wanted = matches(event);
      busyMs += performance.now() - startedAt;
      return wanted;
    },
    /** Nothing to wait for, or the next turn of the event loop. */
    rest(): Promise<void> | undefined {
      if (busyMs < MAX_BUSY_MS) return undefined;
      busyMs = 0;
      return nextTurn();
    },
  };
};

export type PacedFilter = ReturnType<typeof pacedFilter>;
