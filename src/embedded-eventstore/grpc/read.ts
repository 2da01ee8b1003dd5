import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { EventLog, LogRecord, LogSubscriptionItem, StreamPage } from '../log/event-log.js';
import { isLinkStream, LINK_TYPE } from '../log/link-rules.js';
import { pacedFilter } from '../log/reads.js';
import { createSender, serverStreaming, type ServiceContext } from './calls.js';
import { identifierOf, MAX_INT64, uuidMessage } from './request-shapes.js';
import { type ReadRequest, readRequestOf } from './read-request.js';
import { invalidArgument, streamDeleted, unavailable } from './rpc-error.js';

const { ReadResp } = streams;

type UuidForm = 'string' | 'structured';

/** An event, the link that was followed to it, or a link that could not be resolved. */
interface Resolved {
  readonly event?: LogRecord;
  readonly link?: LogRecord;
}

const eventResponse = ({ event, link }: Resolved, form: UuidForm): streams.ReadResp => {
  const read = new ReadResp.ReadEvent();
  if (event !== undefined) read.setEvent(recordedEventMessage(event, form));
  if (link !== undefined) read.setLink(recordedEventMessage(link, form));
  const original = link ?? event;
  if (original !== undefined) read.setCommitPosition(original.position.toString());
  return new ReadResp().setEvent(read);
};

const recordedEventMessage = (
  record: LogRecord,
  form: UuidForm,
): streams.ReadResp.ReadEvent.RecordedEvent => {
  const position = record.position.toString();
  const recorded = new ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(uuidMessage(record.id, form));
  recorded.setStreamIdentifier(identifierOf(record.stream));
  recorded.setStreamRevision(record.revision.toString());
  recorded.setCommitPosition(position);
  recorded.setPreparePosition(position);
  recorded.setData(record.data);
  recorded.setCustomMetadata(record.metadata);
  const metadata = recorded.getMetadataMap();
  metadata.set('type', record.type);
  metadata.set('content-type', record.isJson ? 'application/json' : 'application/octet-stream');
  metadata.set('created', (BigInt(record.created) * TICKS_PER_MILLISECOND).toString());
  return recorded;
};

/** .NET counts time in units of 100 ns. */
const TICKS_PER_MILLISECOND = 10_000n;

const streamNotFound = (stream: string): streams.ReadResp => {
  const notFound = new ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream));
  return new ReadResp().setStreamNotFound(notFound);
};

/** Tells where the visible part of a stream begins, for a read that starts elsewhere. */
const firstStreamPosition = (revision: bigint): streams.ReadResp =>
  new ReadResp().setFirstStreamPosition(revision.toString());

const lastStreamPosition = (revision: bigint): streams.ReadResp =>
  new ReadResp().setLastStreamPosition(revision.toString());

const confirmation = (subscriptionId: string): streams.ReadResp =>
  new ReadResp().setConfirmation(
    new ReadResp.SubscriptionConfirmation().setSubscriptionId(subscriptionId),
  );

const checkpoint = (position: bigint): streams.ReadResp => {
  const reached = new ReadResp.Checkpoint();
  reached.setCommitPosition(position.toString());
  reached.setPreparePosition(position.toString());
  return new ReadResp().setCheckpoint(reached);
};

const caughtUp = (): streams.ReadResp => new ReadResp().setCaughtUp(new ReadResp.CaughtUp());

const TARGET = /^(\d{1,19})(?:@(.*))?$/s;

/**
 * Follows a link, whose data is `revision@stream`, to its event if that can be read. As on the real
 * server, an event whose data does not begin with a revision is not a link.
 */
const createResolver =
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

/**
 * Where a read sends its responses. Await a returned promise: the client is slower than the server.
 */
export interface Sink {
  send(response: streams.ReadResp): Promise<void> | undefined;
  sendEvent(record: LogRecord): Promise<void> | undefined;
}

/** Sends events as the client asked for them: links followed or not, ids as text or as bits. */
const createSink = (
  log: EventLog,
  call: ServerWritableStream<streams.ReadReq, streams.ReadResp>,
  options: streams.ReadReq.Options,
  signal: AbortSignal,
): Sink => {
  const send = createSender<streams.ReadResp>(call, signal);
  const resolve = createResolver(log, options.getResolveLinks());
  const uuids = options.getUuidOption()?.hasString() === true ? 'string' : 'structured';
  return { send, sendEvent: (record) => send(eventResponse(resolve(record), uuids)) };
};

/** Events fetched at a time; the log bounds their bytes. A stalled reader holds one page. */
const READ_AHEAD = 128;
/** The real server's page size: it decides whether a read began before the first visible event. */
const SERVER_PAGE = 32;

type ReadRequestOf<Kind> = Extract<ReadRequest, { readonly kind: Kind }>;

/**
 * From compatibility 1 on, the last stream position follows the events, even if there are none:
 * .NET's client takes the first message for the state of the read.
 */
const readStreamPages = async (
  log: EventLog,
  request: ReadRequestOf<'read-stream'>,
  sink: Sink,
): Promise<void> => {
  const { stream, from, direction, count, tellsBounds } = request;
  if (isLinkStream(stream)) await log.indexLinks();
  let page = log.readStream(stream, from, direction, READ_AHEAD);
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
    // The stream was deleted between two pages: what existed has been sent.
    if (page.kind === 'missing') return;
    remaining = await sendUpTo(remaining, page.events, sink);
    const last = page.events.at(-1);
    const next = last && (direction === 'forwards' ? last.revision + 1n : last.revision - 1n);
    if (remaining === 0 || next === undefined || next < 0n || page.endReached) {
      if (tellsBounds) await sink.send(lastStreamPosition(page.last));
      return;
    }
    page = log.readStream(stream, next, direction, READ_AHEAD);
  }
};

/**
 * The position at which a read continues if its first page, as the real server cuts it, is empty.
 */
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
  { from, direction, count, filter }: ReadRequestOf<'read-all'>,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> => {
  const paced = filter === undefined ? undefined : pacedFilter(filter);
  let remaining = count;
  let next = from;
  while (remaining > 0) {
    signal.throwIfAborted();
    const events = log.readAll(next, direction, READ_AHEAD);
    for (const event of events) {
      const ready = paced?.ready();
      if (ready !== undefined) {
        await ready;
        signal.throwIfAborted();
      }
      if (paced === undefined || paced.matches(event)) {
        await sink.sendEvent(event);
        remaining -= 1;
        if (remaining === 0) return;
      }
    }
    const last = events.at(-1);
    if (last === undefined) return;
    next = direction === 'forwards' ? last.position + 1n : last.position;
    // Without a match nothing is sent, so no send would yield to other calls.
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

export const readCall = (context: ServiceContext) =>
  serverStreaming<streams.ReadReq, streams.ReadResp>(context, async (call, signal) => {
    const options = call.request.getOptions();
    if (options === undefined) throw invalidArgument('A read needs options.');
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

const subscribeToStream = async (
  log: EventLog,
  { stream, after }: ReadRequestOf<'subscribe-stream'>,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> => {
  await sink.send(confirmation(randomUUID()));
  for await (const item of log.subscribeStream({ stream, after, signal })) {
    if (item.kind === 'deleted') throw streamDeleted(stream);
    // Checkpoints are only useful with a filter.
    if (item.kind !== 'checkpoint') await forward(item, sink);
  }
  end(signal);
};

const subscribeToAll = async (
  log: EventLog,
  { after, filter, checkpointEvery }: ReadRequestOf<'subscribe-all'>,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> => {
  const filtering = filter === undefined ? {} : { filter };
  const pace = checkpointEvery === undefined ? {} : { checkpointEvery };
  await sink.send(confirmation(randomUUID()));
  for await (const item of log.subscribeAll({ after, ...filtering, ...pace, signal })) {
    if (item.kind !== 'checkpoint' || filter !== undefined) await forward(item, sink);
  }
  end(signal);
};

const forward = (item: LogSubscriptionItem, sink: Sink): Promise<void> | undefined => {
  switch (item.kind) {
    case 'event':
      return sink.sendEvent(item.event);
    case 'checkpoint':
      return sink.send(checkpoint(item.position));
    case 'caught-up':
      return sink.send(caughtUp());
    case 'deleted':
      return undefined;
  }
};

/** A subscription ends only if it is cancelled or the log is closed. */
const end = (signal: AbortSignal): never => {
  signal.throwIfAborted();
  throw unavailable('The log was closed.');
};
