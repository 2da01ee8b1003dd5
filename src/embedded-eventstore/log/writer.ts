import { Worker } from 'node:worker_threads';
import { EventLogError } from './event-log.js';
import type { AppendBatch, FromLogWriter, ToLogWriter, WriterData } from './writer-protocol.js';

type Told<Kind extends FromLogWriter['kind']> = Extract<FromLogWriter, { readonly kind: Kind }>;

export interface WriterEvents {
  committed(batches: number): void;
  failed(message: Told<'failed'>): void;
  scavenged(message: Told<'scavenged'>): void;
  indexed(message: Told<'indexed'>): void;
  linksTurned(message: Told<'links-turned'>): void;
  probed(message: Told<'probed'>): void;
  swept(message: Told<'swept'>): void;
  /** The thread ended without being asked to. */
  died(cause: unknown): void;
}

/** The writer thread as seen from the main thread. */
export interface LogWriter {
  append(batch: AppendBatch): void;
  resume(): void;
  scavenge(afterStream: number, createdBefore: number): void;
  index(): void;
  turnLinks(family: number, on: boolean): void;
  sweep(): void;
  probe(): void;
  /**
   * Resolves when everything posted before is done and the thread has ended. The thread is asked to
   * end, never terminated: on Node 20 that would abort the process in the middle of a transaction.
   */
  close(): Promise<void>;
}

const WRITER_THREAD = new URL('./writer-thread.js', import.meta.url);

/** Resolves when the thread has opened the file; rejects with EventLogError if it cannot. */
export const startLogWriter = (
  path: string,
  events: WriterEvents,
  script: URL = WRITER_THREAD,
): Promise<LogWriter> => {
  const workerData: WriterData = { path };
  const worker = new Worker(script, { workerData });
  const post = (message: ToLogWriter): void => worker.postMessage(message);
  let state: 'starting' | 'running' | 'closing' = 'starting';
  let failure: unknown;

  return new Promise((resolve, reject) => {
    const ended = new Promise<void>((end) => {
      worker.once('exit', (code) => {
        const cause = failure ?? new Error(`The writer thread exited with code ${code}.`);
        if (state === 'running') events.died(cause);
        reject(new EventLogError('closed', 'The event log writer did not start.', { cause }));
        end();
      });
    });
    const writer: LogWriter = {
      append: (batch) => worker.postMessage(batch, [batch.numbers.buffer, batch.payload.buffer]),
      resume: () => post({ kind: 'resume' }),
      scavenge: (afterStream, createdBefore) =>
        post({ kind: 'scavenge', afterStream, createdBefore }),
      index: () => post({ kind: 'index' }),
      turnLinks: (family, on) => post({ kind: 'turn-links', family, on }),
      sweep: () => post({ kind: 'sweep' }),
      probe: () => post({ kind: 'probe' }),
      close: () => {
        if (state === 'running') post({ kind: 'close' });
        state = 'closing';
        return ended;
      },
    };
    worker.on('error', (error) => (failure = error));
    worker.on('message', (message: FromLogWriter) => {
      if (message.kind !== 'ready') {
        dispatch(events, message);
        return;
      }
      state = 'running';
      resolve(writer);
    });
  });
};

const dispatch = (events: WriterEvents, message: Exclude<FromLogWriter, Told<'ready'>>): void => {
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
    case 'indexed':
      events.indexed(message);
      return;
    case 'links-turned':
      events.linksTurned(message);
      return;
    case 'probed':
      events.probed(message);
      return;
    case 'swept':
      events.swept(message);
      return;
  }
};
