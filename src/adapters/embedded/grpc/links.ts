import { MAX_INT64 } from './expected-revision.js';
import type { EventLog, LogRecord } from '../log/event-log.js';
import { LINK_TYPE } from '../log/link-streams.js';
import type { Resolved } from './read-response.js';

const TARGET = /^(\d{1,19})@(.+)$/s;

/** Follows a link, whose data is `revision@stream`, to its event, where that can be read. */
export const createResolver =
  (log: EventLog, resolveLinks: boolean) =>
  (record: LogRecord): Resolved => {
    if (!resolveLinks || record.type !== LINK_TYPE) return { event: record };
    const event = targetOf(log, record);
    return event === undefined ? { link: record } : { event, link: record };
  };

const targetOf = (log: EventLog, link: LogRecord): LogRecord | undefined => {
  const [, digits, stream] = TARGET.exec(Buffer.from(link.data).toString('utf8')) ?? [];
  if (digits === undefined || stream === undefined) return undefined;
  const revision = BigInt(digits);
  if (revision > MAX_INT64) return undefined;
  const page = log.readStream(stream, revision, 'forwards', 1);
  if (page.kind !== 'events') return undefined;
  return page.events.find((event) => event.revision === revision);
};
