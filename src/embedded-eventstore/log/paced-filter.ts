import type { LogFilter, LogRecord } from './event-log.js';

const matching = ({ on, prefixes, regex }: LogFilter): ((event: LogRecord) => boolean) => {
  const matches = (text: string): boolean =>
    regex === undefined
      ? (prefixes ?? []).some((prefix) => text.startsWith(prefix))
      : regex.test(text);
  return on === 'stream' ? (event) => matches(event.stream) : (event) => matches(event.type);
};

/** How long matching, over all calls together, may block the event loop. */
const MAX_BUSY_MS = 20;

let busyMs = 0;
/** Calls waiting for a turn of the event loop in which they may match, oldest first. */
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

export interface PacedFilter {
  /** Await this before matching an event; undefined if there is time left. */
  ready(): Promise<void> | undefined;
  matches(event: LogRecord): boolean;
}

/**
 * Filters come from clients and may be slow to match. All regular expressions share one time slice
 * of the event loop, in turn, however many clients there are. Prefixes are cheap and never wait.
 */
export const pacedFilter = (filter: LogFilter): PacedFilter => {
  const matches = matching(filter);
  const costs = filter.regex !== undefined;
  return {
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
