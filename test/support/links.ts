import type { EventLog, LogRecord } from '../../src/embedded-eventstore/log/event-log.js';
import { textOf } from './event-log.js';

/** All of `$all`, page by page. */
export const wholeLog = (log: EventLog): LogRecord[] => {
  const records: LogRecord[] = [];
  let from = 1n;
  for (;;) {
    const page = log.readAll(from, 'forwards', 500);
    const last = page.at(-1);
    if (last === undefined) return records;
    records.push(...page);
    from = last.position + 1n;
  }
};

/** All of a link stream, brought up to date and read page by page. */
export const allLinks = async (
  log: EventLog,
  stream: string,
  limit = 500,
): Promise<LogRecord[]> => {
  await log.indexLinks();
  const records: LogRecord[] = [];
  for (let from = 0n; ;) {
    const page = log.readStream(stream, from, 'forwards', limit);
    if (page.kind !== 'events') return records;
    records.push(...page.events);
    if (page.endReached) return records;
    from = (records.at(-1)?.revision ?? -1n) + 1n;
  }
};

/** Where the links of a stream lead, in its order. */
export const linkTargets = async (log: EventLog, stream: string): Promise<string[]> =>
  (await allLinks(log, stream)).map(textOf);
