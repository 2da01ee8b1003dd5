import { type EventEmitter, once } from 'node:events';
import type { Writable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import type { EventLog, EventLogLogger } from '../log/event-log.js';
import { RpcError, timedOut, toRpcError, unavailable } from './rpc-error.js';

const SERVER_STOPPING = 'The server is stopping.';

export interface Calls {
  readonly stopping: boolean;
  /**
   * Rejects, and aborts the signal, with the RpcError to send if the client disconnects or the
   * server stops before the work is done.
   */
  run<T>(call: EventEmitter, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Registers a write that must finish before the server stops. */
  finish<T>(work: Promise<T>): Promise<T>;
  stop(drainTimeoutMs: number): Promise<void>;
}

/**
 * Tracks calls so that the server stops in order: refuse new work, answer writes in progress, then
 * end subscriptions.
 */
export const createCalls = (): Calls => {
  const open = new Set<AbortController>();
  const writes = new Set<Promise<unknown>>();
  let stopping = false;

  return {
    get stopping() {
      return stopping;
    },

    async run<T>(call: EventEmitter, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
      if (stopping) throw unavailable(SERVER_STOPPING);
      const controller = new AbortController();
      const cancel = () => controller.abort(new RpcError(status.CANCELLED, 'Cancelled.'));
      open.add(controller);
      call.once('cancelled', cancel);
      try {
        return await Promise.race([work(controller.signal), aborted(controller.signal)]);
      } finally {
        open.delete(controller);
        call.off('cancelled', cancel);
      }
    },

    async finish<T>(work: Promise<T>): Promise<T> {
      writes.add(work);
      try {
        return await work;
      } finally {
        writes.delete(work);
      }
    },

    async stop(drainTimeoutMs: number): Promise<void> {
      stopping = true;
      const drained = new AbortController();
      const settled = Promise.allSettled(writes).then(() => drained.abort());
      await Promise.race([settled, abortablePause(drainTimeoutMs, drained.signal)]);
      for (const controller of open) controller.abort(unavailable(SERVER_STOPPING));
    },
  };
};

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

/** Waits for a write up to the time-out. A late write may still happen; its outcome is dropped. */
export const confirmedWithin = async <T>(work: Promise<T>, timeoutMs: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(timedOut('Operation timed out: the write was not confirmed in time.')),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Resolves after the delay or as soon as the signal aborts; never rejects. */
export const abortablePause = async (ms: number, signal: AbortSignal): Promise<void> => {
  await delay(ms, undefined, { signal }).catch(() => undefined);
};

/**
 * Processes messages one by one. While a promise of `accept` is pending nothing is read, so HTTP/2
 * flow control slows the client down. Resolves when the client ends its stream. `for await` does
 * not fit: leaving the loop destroys the call before its status is sent.
 */
export const consumeMessages = <Req>(
  call: ServerReadableStream<Req, unknown> | ServerDuplexStream<Req, unknown>,
  signal: AbortSignal,
  accept: (message: Req) => Promise<void> | undefined,
): Promise<void> =>
  new Promise<void>((resolve, reject) => {
    const onData = (message: Req) => {
      try {
        const ready = accept(message);
        if (ready === undefined) return;
        call.pause();
        ready.then(() => call.resume(), reject);
      } catch (error) {
        call.off('data', onData);
        reject(error instanceof Error ? error : new Error('Not an error', { cause: error }));
      }
    };
    call.once('end', resolve);
    call.once('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    call.on('data', onData);
  });

/** How long a refused client may go on sending before it gets the error. */
const DRAIN_MS = 10_000;

/**
 * Reads all messages up to the client's end of stream and rejects if the call is cut off before. An
 * error of `accept` is sent only after the rest was read and dropped: .NET's client finishes its
 * writes before it reads a response.
 */
export const receiveAll = async <Req>(
  call: ServerReadableStream<Req, unknown>,
  signal: AbortSignal,
  accept: (message: Req) => void,
): Promise<void> => {
  const overdue = new AbortController();
  let refusal: { readonly error: unknown; readonly timer: NodeJS.Timeout } | undefined;
  try {
    await consumeMessages(call, AbortSignal.any([signal, overdue.signal]), (message) => {
      if (refusal !== undefined) return undefined;
      try {
        accept(message);
      } catch (error) {
        refusal = { error, timer: setTimeout(() => overdue.abort(error), DRAIN_MS) };
      }
      return undefined;
    });
  } finally {
    clearTimeout(refusal?.timer);
  }
  // A lost connection or a reset also ends the request stream; grpc-js notices at the next send. A
  // cancelling Node client sends END_STREAM first, which looks like a normal end.
  call.sendMetadata(new Metadata());
  await nextTurn();
  signal.throwIfAborted();
  if (refusal !== undefined) throw refusal.error;
};

/** Sends one message. If it returns a promise, wait for it before sending more. */
export const createSender =
  <Res>(call: ServerWritableStream<unknown, Res>, signal: AbortSignal) =>
  (message: Res): Promise<void> | undefined => {
    signal.throwIfAborted();
    return call.write(message) ? undefined : untilDrained(call, signal);
  };

const untilDrained = async (call: Writable, signal: AbortSignal): Promise<void> => {
  try {
    await once(call, 'drain', { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
};

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
    const served = calls.run(call, () => serve(call.request, call));
    answerOnce(served, callback, logger);
  };

export const clientStreaming =
  <Req, Res>(
    { calls, logger }: ServiceContext,
    serve: (call: ServerReadableStream<Req, Res>, signal: AbortSignal) => Promise<Res>,
  ): handleClientStreamingCall<Req, Res> =>
  (call, callback) => {
    const served = calls.run(call, (signal) => serve(call, signal));
    answerOnce(served, callback, logger);
  };

const answerOnce = <Res>(
  served: Promise<Res>,
  callback: sendUnaryData<Res>,
  logger: EventLogLogger,
): void => {
  served
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
