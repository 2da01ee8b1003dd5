import { Worker } from 'node:worker_threads';
import { EventLogError } from './event-log.js';
import type { Batch, FromWriter, ToWriter, WriterData } from './writer-protocol.js';

type Told<Kind extends FromWriter['kind']> = Extract<FromWriter, { readonly kind: Kind }>;

export interface WriterEvents {
  committed(batches: number): void;
  failed(message: Told<'failed'>): void;
  scavenged(message: Told<'scavenged'>): void;
  /** The thread is gone without having been asked to go. */
  died(cause: unknown): void;
}

/** The writer thread as seen from the main thread. */
export interface Writer {
  append(batch: Batch): void;
  resume(): void;
  scavenge(afterStream: number, createdBefore: number): void;
  /**
   * Resolves when everything posted before is dealt with and the thread has ended. It is asked,
   * never terminated: on Node 20 that would abort the process in the middle of a transaction.
   */
  close(): Promise<void>;
}

export const startWriter = async (path: string, events: WriterEvents): Promise<Writer> => {
  const workerData: WriterData = { path };
  const worker = new Worker(new URL('./writer-thread.js', import.meta.url), { workerData });
  let closing = false;
  let failure: unknown;

  const ended = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      resolve();
      if (!closing) events.died(failure ?? new Error(`The writer thread ended with ${code}.`));
    });
  });

  await new Promise<void>((resolve, reject) => {
    worker.on('error', (error) => {
      failure = error;
      reject(new EventLogError('closed', 'The log cannot be opened.', { cause: error }));
    });
    worker.on('message', (message: FromWriter) => {
      if (message.kind === 'ready') resolve();
      else tell(events, message);
    });
  });

  const post = (message: ToWriter): void => worker.postMessage(message);
  return {
    append: (batch) => worker.postMessage(batch, [batch.payload.buffer as ArrayBuffer]),
    resume: () => post({ kind: 'resume' }),
    scavenge: (afterStream, createdBefore) =>
      post({ kind: 'scavenge', afterStream, createdBefore }),
    close: () => {
      if (!closing) post({ kind: 'close' });
      closing = true;
      return ended;
    },
  };
};

const tell = (events: WriterEvents, message: Exclude<FromWriter, Told<'ready'>>): void => {
  switch (message.kind) {
    case 'committed':
      events.committed(message.batches);
      return;
    case 'failed':
      events.failed(message);
      return;
    case 'scavenged':
      events.scavenged(message);
      return;
  }
};
