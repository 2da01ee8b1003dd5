import { Worker } from 'node:worker_threads';
import { UnavailableError } from '../../../ports/errors.js';
import { remedyFor } from './schema.js';
import { CLOSED, errorOf } from './store-errors.js';
import type { FromWriter, Order, Saved, ToWriter } from './writer-protocol.js';

export interface Writer {
  /** Settles once the order is carried out; answers which documents were left alone. */
  order(path: string, order: Order): Promise<Saved>;
  /** Rejects when the thread is gone. */
  alive(): Promise<void>;
  /**
   * Resolves when everything ordered before is done and the thread has ended. It is asked, never
   * terminated: on Node 20 that would abort the process in the middle of a transaction.
   */
  close(): Promise<void>;
}

interface Waiting {
  readonly path: string;
  readonly resolve: (saved: Saved) => void;
  readonly reject: (error: unknown) => void;
}

export const startWriter = (): Writer => {
  const worker = new Worker(new URL('./writer-thread.js', import.meta.url));
  const waiting = new Map<number, Waiting>();
  let tickets = 0;
  let closing = false;
  let death: UnavailableError | undefined;
  let failure: unknown;

  worker.on('message', ({ ticket, failure: reason, ...saved }: FromWriter) => {
    const order = waiting.get(ticket);
    waiting.delete(ticket);
    if (reason === undefined) order?.resolve(saved);
    else order?.reject(errorOf(reason, remedyFor(order.path)));
  });
  worker.on('error', (error) => (failure = error));

  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      death = new UnavailableError(closing ? CLOSED : 'The thread that saves documents has died.', {
        cause: failure,
      });
      waiting.forEach((order) => order.reject(death));
      waiting.clear();
      resolve();
    });
  });

  const post = (message: ToWriter): void => worker.postMessage(message);

  return {
    order: (path, order) =>
      new Promise((resolve, reject) => {
        if (closing || death !== undefined) throw death ?? new UnavailableError(CLOSED);
        const ticket = tickets++;
        waiting.set(ticket, { path, resolve, reject });
        post({ ...order, ticket, path });
      }),
    alive: () => (death === undefined ? Promise.resolve() : Promise.reject(death)),
    close: () => {
      if (!closing) post({ kind: 'close' });
      closing = true;
      return ended;
    },
  };
};
