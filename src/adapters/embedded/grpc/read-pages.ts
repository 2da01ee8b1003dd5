import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventLog, LogRecord } from '../log/event-log.js';
import { matching } from '../log/log-filter.js';
import type { ReadRequest } from './read-request.js';
import { streamNotFound } from './read-response.js';
import { streamDeleted } from './rpc-error.js';
import type { Sink } from './sink.js';

/** Events fetched at a time; the log bounds their bytes. A reader that stalls keeps one page. */
const PAGE = 128;

type Request<Kind> = Extract<ReadRequest, { readonly kind: Kind }>;

export const readStreamPages = async (
  log: EventLog,
  { stream, from, direction, count }: Request<'read-stream'>,
  sink: Sink,
): Promise<void> => {
  let page = log.readStream(stream, from, direction, PAGE);
  if (page.kind === 'missing') {
    await sink.send(streamNotFound(stream));
    return;
  }
  let remaining = count;
  for (;;) {
    if (page.kind === 'deleted') throw streamDeleted(stream);
    // Deleted between two pages: what there was has been sent.
    if (page.kind === 'missing') return;
    remaining = await sendUpTo(remaining, page.events, sink);
    const last = page.events.at(-1);
    if (remaining === 0 || last === undefined || page.endReached) return;
    const next = direction === 'forwards' ? last.revision + 1n : last.revision - 1n;
    if (next < 0n) return;
    page = log.readStream(stream, next, direction, PAGE);
  }
};

export const readAllPages = async (
  log: EventLog,
  { from, direction, count, filter }: Request<'read-all'>,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> => {
  const wanted = filter === undefined ? () => true : matching(filter);
  let remaining = count;
  let next = from;
  while (remaining > 0) {
    signal.throwIfAborted();
    const events = log.readAll(next, direction, PAGE);
    remaining = await sendUpTo(remaining, events.filter(wanted), sink);
    const last = events.at(-1);
    if (last === undefined) return;
    next = direction === 'forwards' ? last.position + 1n : last.position;
    // Where nothing matches, nothing is sent that would have to be waited for.
    if (filter !== undefined) await nextTurn();
  }
};

const sendUpTo = async (
  limit: number,
  events: readonly LogRecord[],
  sink: Sink,
): Promise<number> => {
  let remaining = limit;
  for (const event of events) {
    if (remaining === 0) break;
    await sink.sendEvent(event);
    remaining -= 1;
  }
  return remaining;
};
