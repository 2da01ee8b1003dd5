import { Worker } from 'node:worker_threads';
import type { FromProjection, ProjectionThreadData, ToProjection } from './protocol.js';

const THREAD = new URL('./projection-thread.js', import.meta.url);
/** In addition to the sandbox's own memory: a batch's texts on their way in and out. */
const HEAP_MB = 192;
const WATCH_EVERY_MS = 1000;
/** How long a step that QuickJS cannot interrupt may take. */
const STUCK_MS = 5000;

export interface ProjectionWorker {
  tell(message: ToProjection): void;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  /** Terminates the thread, whatever it is doing. */
  kill(): void;
}

/** A projection's thread as seen from the main thread; `died` is called once if it ends unexpectedly. */
export const startProjectionWorker = (
  data: Omit<ProjectionThreadData, 'pulse'>,
  events: {
    readonly received: (message: FromProjection) => void;
    readonly died: (reason: string) => void;
  },
): ProjectionWorker => {
  const pulse = new Int32Array(new SharedArrayBuffer(4));
  const workerData: ProjectionThreadData = { ...data, pulse };
  const worker = new Worker(THREAD, {
    workerData,
    // The sandbox cannot reach the environment anyway; this is a second barrier.
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, stackSizeMb: 4 },
  });
  let asked = false;
  let failure: string | undefined;
  let stuck: string | undefined;
  let last = 0;
  let movedAt = Date.now();

  const watch = setInterval(() => {
    const now = Atomics.load(pulse, 0);
    if (now !== last || now % 2 === 0) {
      last = now;
      movedAt = Date.now();
    } else if (Date.now() - movedAt > STUCK_MS) {
      stuck = `Projection script took too long to execute: it did not return within ${STUCK_MS} ms.`;
      void worker.terminate();
    }
  }, WATCH_EVERY_MS).unref();

  worker.on('message', (message: FromProjection) => {
    if (message.kind === 'stopped') asked = true;
    if (message.kind === 'invalid' || message.kind === 'faulted' || message.kind === 'completed') {
      asked = true;
    }
    events.received(message);
  });
  worker.on('error', (error: Error) => (failure ??= error.message));
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      clearInterval(watch);
      if (!asked)
        events.died(stuck ?? `The projection's thread died: ${failure ?? `exit code ${code}`}`);
      resolve();
    });
  });
  return {
    tell: (message) => worker.postMessage(message),
    ended,
    kill: () => {
      asked = true;
      void worker.terminate();
    },
  };
};
