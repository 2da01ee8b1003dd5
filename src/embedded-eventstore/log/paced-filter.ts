import type { LogFilter, LogRecord } from './event-log.js';

const matching = ({ on, prefixes, regex }: LogFilter): ((event: LogRecord) => boolean) => {
  const matches = (text: string): boolean =>
    regex === undefined
      ? (prefixes ?? []).some((prefix) => text.startsWith(prefix))
      : regex.test(text);
  return on === 'stream' ? (event) => matches(event.stream) : (event) => matches(event.type);
};

/** How long matching may keep the event loop from everybody else, in all calls together. */
const MAX_BUSY_MS = 20;

let busyMs = 0;
/** Those that wait for a turn of the event loop in which they may match, the oldest first. */
const waiting: (() => void)[] = [];

const admitNext = (): void => {
  busyMs = 0;
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(admitNext);
};

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(admitNext);
  });

/**
 * A filter is a client's, and many names may each take long. However many clients there are, their
 * regular expressions have one share of the event loop, which they take by turns. Prefixes take no
 * time worth measuring and wait for nobody.
 */
export const pacedFilter = (filter: LogFilter) => {
  const matches = matching(filter);
  const costs = filter.regex !== undefined;
  return {
    /** To be waited for before an event is matched; nothing where there is time left. */
    ready: (): Promise<void> | undefined =>
      costs && (busyMs >= MAX_BUSY_MS || waiting.length > 0) ? turn() : undefined,
    matches: (event: LogRecord): boolean => {
      if (!costs) return matches(event);
      const startedAt = performance.now();
      const wanted = matches(event);
      busyMs += performance.now() - startedAt;
      return wanted;
    },
  };
};

export type PacedFilter = ReturnType<typeof pacedFilter>;
