import type streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { EventLog, LogRecord } from '../log/event-log.js';
import { createResolver } from './links.js';
import { eventResponse } from './read-response.js';
import { createSender } from './streaming.js';

/** Where a read sends to; a returned promise is to be awaited, the client is slower than we are. */
export interface Sink {
  send(response: streams.ReadResp): Promise<void> | undefined;
  sendEvent(record: LogRecord): Promise<void> | undefined;
}

/** Events in the form that the client asked for: links followed or not, ids as text or as bits. */
export const createSink = (
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
