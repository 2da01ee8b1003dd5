import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import type { EventEmitter } from 'node:events';
import type { EventLogLogger } from '../logger.js';
import type { EventLog } from '../log/event-log.js';
import type { Calls } from './calls.js';
import { toRpcError } from './rpc-error.js';

export interface ServiceContext {
  readonly log: EventLog;
  readonly calls: Calls;
  readonly logger: EventLogLogger;
  readonly maxAppendBytes: number;
  readonly appendTimeoutMs: number;
}

/**
 * Adapts async functions to the four kinds of gRPC call. Anything they throw becomes the status of
 * the call: an exception that reached grpc-js would end the process.
 */
export const unary =
  <Req, Res>(
    { calls, logger }: ServiceContext,
    serve: (request: Req, call: ServerUnaryCall<Req, Res>) => Promise<Res>,
  ): handleUnaryCall<Req, Res> =>
  (call, callback) => {
    calls
      .run(call, () => serve(call.request, call))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toRpcError(error, logger)),
      )
      .catch(unanswered(logger));
  };

export const clientStreaming =
  <Req, Res>(
    { calls, logger }: ServiceContext,
    serve: (call: ServerReadableStream<Req, Res>, signal: AbortSignal) => Promise<Res>,
  ): handleClientStreamingCall<Req, Res> =>
  (call, callback) => {
    calls
      .run(call, (signal) => serve(call, signal))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toRpcError(error, logger)),
      )
      .catch(unanswered(logger));
  };

export const serverStreaming =
  <Req, Res>(
    context: ServiceContext,
    serve: (call: ServerWritableStream<Req, Res>, signal: AbortSignal) => Promise<void>,
  ): handleServerStreamingCall<Req, Res> =>
  (call) =>
    streamUntilEnd(context, call, (signal) => serve(call, signal));

export const bidirectional =
  <Req, Res>(
    context: ServiceContext,
    serve: (call: ServerDuplexStream<Req, Res>, signal: AbortSignal) => Promise<void>,
  ): handleBidiStreamingCall<Req, Res> =>
  (call) =>
    streamUntilEnd(context, call, (signal) => serve(call, signal));

const streamUntilEnd = (
  { calls, logger }: ServiceContext,
  call: EventEmitter & { end(): unknown; readonly cancelled: boolean },
  serve: (signal: AbortSignal) => Promise<void>,
): void => {
  calls
    .run(call, serve)
    .then(
      () => void call.end(),
      (error: unknown) => {
        if (!call.cancelled) call.emit('error', toRpcError(error, logger));
      },
    )
    .catch(unanswered(logger));
};

export const unanswered = (logger: EventLogLogger) => (error: unknown) =>
  logger.error('failed to answer a gRPC call', { error });
