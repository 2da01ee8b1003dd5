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
 * Takes one message after the other; while `accept` has a promise pending, nothing is read, and
 * HTTP/2's flow control holds the client back. Resolves when the client has said all. A loop of
 * `for await` would not do: leaving it destroys the call before its status is sent.
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

/** How long a client that was refused may go on sending before it is answered. */
const DRAIN_MS = 10_000;

/**
 * Takes all messages of a client up to its own end, and rejects where the call is cut off before.
 * What `accept` throws is the answer, once the rest is read and dropped: .NET's client waits for its
 * writes before it reads an answer.
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
  // A lost connection and a reset end the request as well; grpc-js finds out when it next sends.
  // A Node client that cancels says END_STREAM first: that cannot be told from an end.
  call.sendMetadata(new Metadata());
  await nextTurn();
  signal.throwIfAborted();
  if (refusal !== undefined) throw refusal.error;
};

/** Sends one message; the promise, if there is one, holds the producer until the client reads on. */
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
