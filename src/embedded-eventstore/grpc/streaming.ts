import {
  Metadata,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

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
    return call.write(message) ? undefined : drained(call, signal);
  };

const drained = async (call: Writable, signal: AbortSignal): Promise<void> => {
  try {
    await once(call, 'drain', { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
};
