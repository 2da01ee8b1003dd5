import { MAX_INT64 } from './expected-revision.js';
import type { EventLog, LogRecord } from '../log/event-log.js';
import { LINK_TYPE } from '../log/link-streams.js';
import type { Resolved } from './read-response.js';

const TARGET = /^(\d{1,19})(?:@(.*))?$/s;

/**
 * Follows a link, whose data is `revision@stream`, to its event, where that can be read. As on the
 * server, data that does not begin with a revision makes the event none of the links.
 */
export const createResolver =
  (log: EventLog, resolveLinks: boolean) =>
  (record: LogRecord): Resolved => {
    if (!resolveLinks || record.type !== LINK_TYPE) return { event: record };
    const [, digits, stream = ''] = TARGET.exec(Buffer.from(record.data).toString('utf8')) ?? [];
    if (digits === undefined || BigInt(digits) > MAX_INT64) return { event: record };
    const event = stream === '' ? undefined : eventOf(log, stream, BigInt(digits));
    return event === undefined ? { link: record } : { event, link: record };
  };

const eventOf = (log: EventLog, stream: string, revision: bigint): LogRecord | undefined => {
  const page = log.readStream(stream, revision, 'forwards', 1);
  if (page.kind !== 'events') return undefined;
  return page.events.find((event) => event.revision === revision);
};
