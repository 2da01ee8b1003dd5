import { Worker } from 'node:worker_threads';
import { UnavailableError } from '../../../ports/errors.js';
import type { BatchRows } from './rows.js';
import { remedyForReadModels } from './schema.js';
import { READ_STORE_CLOSED, portErrorOf, type SqliteFailure } from './file.js';

/** Messages between the main thread and the writer thread. */

export type DocumentWrite =
  | { readonly kind: 'save'; readonly rows: BatchRows }
  | { readonly kind: 'flushed'; readonly position: string };

export type Order =
  | DocumentWrite
  /** Opens the file of a version, creating it if necessary, and keeps it open. */
  | { readonly kind: 'open' }
  /** Creates the index of interactions by user if it is missing. */
  | { readonly kind: 'index' }
  /** Writes a page as it is, to see whether the disk can be written. */
  | { readonly kind: 'probe' }
  /** Closes the file. */
  | { readonly kind: 'release' };

export type Ticketed<Kind extends Order> = Kind & {
  readonly ticket: number;
  readonly path: string;
};

export type ToDocumentWriter = Ticketed<Order> | { readonly kind: 'close' };

/** The result of a save. */
export interface Saved {
  /** The number of documents that were not saved, because the stored ones are not older. */
  readonly refused: number;
  /** Indexes of the refused documents among the batch's anime documents. */
  readonly refusedAnimes: readonly number[];
}

export interface FromDocumentWriter extends Saved {
  readonly ticket: number;
  readonly failure?: SqliteFailure;
}

export interface DocumentWriter {
  /** Settles once the request is done; returns which documents were refused. */
  order(path: string, order: Order): Promise<Saved>;
  /** Rejects if the thread has ended. */
  alive(): Promise<void>;
  /** Rejects if the last save of this file failed, or a save would fail now. */
  check(path: string): Promise<void>;
  /**
   * Resolves when all earlier requests are done and the thread has ended. The thread is asked to
   * end, never terminated: on Node 20 that would abort the process in the middle of a transaction.
   */
  close(): Promise<void>;
}

interface PendingOrder {
  readonly path: string;
  readonly kind: Order['kind'];
  readonly resolve: (saved: Saved) => void;
  readonly reject: (error: unknown) => void;
}

export const startDocumentWriter = (): DocumentWriter => {
  const worker = new Worker(new URL('./writer-thread.js', import.meta.url));
  const waiting = new Map<number, PendingOrder>();
  let tickets = 0;
  let closing = false;
  let death: UnavailableError | undefined;
  let failure: unknown;

  /** Of the last save, by file. */
  const failed = new Map<string, unknown>();

  worker.on('message', ({ ticket, failure: reason, ...saved }: FromDocumentWriter) => {
    const order = waiting.get(ticket);
    waiting.delete(ticket);
    if (order === undefined) return;
    const { path, kind, resolve, reject } = order;
    const saves = kind === 'save' || kind === 'flushed';
    if (reason === undefined) {
      if (saves || kind === 'release') failed.delete(path);
      resolve(saved);
      return;
    }
    const error = portErrorOf(reason, remedyForReadModels(path));
    if (saves) failed.set(path, error);
    reject(error);
  });
  worker.on('error', (error) => (failure = error));

  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      death = new UnavailableError(
        closing ? READ_STORE_CLOSED : 'The writer thread of the read models died.',
        {
          cause: failure,
        },
      );
      waiting.forEach((order) => order.reject(death));
      waiting.clear();
      resolve();
    });
  });

  const post = (message: ToDocumentWriter): void => worker.postMessage(message);

  const order: DocumentWriter['order'] = (path, wanted) =>
    new Promise((resolve, reject) => {
      if (closing || death !== undefined) throw death ?? new UnavailableError(READ_STORE_CLOSED);
      const ticket = tickets++;
      waiting.set(ticket, { path, kind: wanted.kind, resolve, reject });
      post({ ...wanted, ticket, path });
    });

  return {
    order,
    check: async (path) => {
      if (failed.has(path)) throw failed.get(path);
      // Saves in flight show whether the disk can be written; a probe would only wait behind them.
      if (waiting.size === 0) await order(path, { kind: 'probe' });
    },
    alive: () => (death === undefined ? Promise.resolve() : Promise.reject(death)),
    close: () => {
      if (!closing) post({ kind: 'close' });
      closing = true;
      return ended;
    },
  };
};
