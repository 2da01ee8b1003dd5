import { setImmediate as nextTurn } from 'node:timers/promises';
import type streams from '@eventstore/db-client/generated/streams_pb.js';
import type { EventLog, LogRecord, StreamPage } from '../log/event-log.js';
import { isLinkStream } from '../log/link-streams.js';
import { pacedFilter } from '../log/paced-filter.js';
import { serverStreaming, type ServiceContext } from './handlers.js';
import { type ReadRequest, readRequestOf } from './read-request.js';
import { firstStreamPosition, lastStreamPosition, streamNotFound } from './read-response.js';
import { invalidArgument, streamDeleted } from './rpc-error.js';
import { createSink, type Sink } from './sink.js';
import { subscribeToAll, subscribeToStream } from './subscribe.js';

/** Events fetched at a time; the log bounds their bytes. A reader that stalls keeps one page. */
const PAGE = 128;
/** The server's own page, by which it tells whether a read began before the first visible event. */
const SERVER_PAGE = 32;

type Request<Kind> = Extract<ReadRequest, { readonly kind: Kind }>;

/**
 * A client of compatibility 1 or more is told where the stream ends, after the events, also where
 * there are none: .NET's client takes the first message for the state of the read.
 */
const readStreamPages = async (
  log: EventLog,
  request: Request<'read-stream'>,
  sink: Sink,
): Promise<void> => {
  const { stream, from, direction, count, tellsBounds } = request;
  if (isLinkStream(stream)) await log.indexLinks();
  let page = log.readStream(stream, from, direction, PAGE);
  if (page.kind === 'missing') {
    await sink.send(streamNotFound(stream));
    return;
  }
  if (page.kind === 'events' && tellsBounds && direction === 'forwards') {
    const first = firstPosition(page, from === 'start' ? 0n : BigInt(from), count);
    if (first !== null) await sink.send(firstStreamPosition(first));
  }
  let remaining = count;
  for (;;) {
    if (page.kind === 'deleted') throw streamDeleted(stream);
    // Deleted between two pages: what there was has been sent.
    if (page.kind === 'missing') return;
    remaining = await sendUpTo(remaining, page.events, sink);
    const last = page.events.at(-1);
    const next = last && (direction === 'forwards' ? last.revision + 1n : last.revision - 1n);
    if (remaining === 0 || next === undefined || next < 0n || page.endReached) {
      if (tellsBounds) await sink.send(lastStreamPosition(page.last));
      return;
    }
    page = log.readStream(stream, next, direction, PAGE);
  }
};

/** Where the read goes on whose first page, as the server cuts it, holds no event. */
const firstPosition = (
  { firstVisible, last }: Extract<StreamPage, { readonly kind: 'events' }>,
  from: bigint,
  count: number,
): bigint | null => {
  if (from > last) return from === last + 1n ? null : last + 1n;
  const pageEnd = from + BigInt(Math.min(count, SERVER_PAGE)) - 1n;
  return pageEnd < firstVisible ? firstVisible : null;
};

export const readAllPages = async (
  log: EventLog,
  { from, direction, count, filter }: Request<'read-all'>,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> => {
  const paced = filter === undefined ? undefined : pacedFilter(filter);
  let remaining = count;
  let next = from;
  while (remaining > 0) {
    signal.throwIfAborted();
    const events = log.readAll(next, direction, PAGE);
    for (const event of events) {
      if (paced === undefined || paced.matches(event)) {
        await sink.sendEvent(event);
        remaining -= 1;
        if (remaining === 0) return;
      }
      const rest = paced?.rest();
      if (rest !== undefined) {
        await rest;
        signal.throwIfAborted();
      }
    }
    const last = events.at(-1);
    if (last === undefined) return;
    next = direction === 'forwards' ? last.position + 1n : last.position;
    // Where nothing matches, nothing is sent that would have to be waited for.
    if (paced !== undefined) await nextTurn();
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

/** Reads one stream or all, once in either direction, or for ever. */
export const read = (context: ServiceContext) =>
  serverStreaming<streams.ReadReq, streams.ReadResp>(context, async (call, signal) => {
    const options = call.request.getOptions();
    if (options === undefined) throw invalidArgument('A read has options.');
    const request = readRequestOf(options);
    const sink = createSink(context.log, call, options, signal);
    switch (request.kind) {
      case 'read-stream':
        return readStreamPages(context.log, request, sink);
      case 'read-all':
        return readAllPages(context.log, request, sink, signal);
      case 'subscribe-stream':
        return subscribeToStream(context.log, request, sink, signal);
      case 'subscribe-all':
        return subscribeToAll(context.log, request, sink, signal);
    }
  });
