import type { ServerDuplexStream, ServerReadableStream, ServerWritableStream } from '@grpc/grpc-js';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

/**
 * Takes one message after the other; while `accept` has a promise pending, nothing is read, and
 * HTTP/2's flow control holds the client back. Resolves when the client has said all. A loop of
 * `for await` would not do: leaving it destroys the call before its status is sent.
 */
export const consume = <Req>(
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
