import type streams from '@eventstore/db-client/generated/streams_pb.js';
import { serverStreaming, type ServiceContext } from './handlers.js';
import { readAllPages, readStreamPages } from './read-pages.js';
import { readRequestOf } from './read-request.js';
import { invalidArgument } from './rpc-error.js';
import { createSink } from './sink.js';
import { subscribeToAll, subscribeToStream } from './subscribe.js';

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
