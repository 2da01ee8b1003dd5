import { constants, getPriority, setPriority } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { pauseForAppends } from '../log/appends-in-flight.js';
import { openProjectionSource } from '../log/projection-source.js';
import type {
  ProjectionCheckpoint,
  FromProjection,
  ProjectionProgress,
  ProjectionThreadData,
  ToProjection,
} from './protocol.js';
import {
  checkpointAfter,
  createPendingStates,
  createReading,
  emittedMessages,
  faultPlaceOf,
  firstAtPlace,
  type ReadEvent,
} from './reading.js';
import {
  DefinitionError,
  loadSandboxModule,
  openSandbox,
  type Sandbox,
  SandboxFailure,
} from './sandbox.js';
import { EMIT_REFUSED } from './sandbox-effects.js';
import type { BatchOutput } from './sandbox-runner.js';
import { createStepPacing } from './step-pacing.js';

const EVENTS_PER_PROJECTION_CHECKPOINT = 4000;
/** Limits of what is stored at once: appends wait for the transaction that is under way. */
const STATES_PER_CHECKPOINT = 64;
const BYTES_PER_CHECKPOINT = 256 * 1024;
const CHECKPOINT_EVERY_MS = 1000;
/** Added to the niceness of the process: a third of its share of a busy processor. */
const NICE = 5;

/**
 * Keeps projections from delaying commands. Only Linux has priorities per thread. Called once the query is
 * compiled, because compiling has a time limit.
 */
const yieldToOthers = (): void => {
  if (process.platform !== 'linux') return;
  setPriority(Math.min(getPriority() + NICE, constants.priority.PRIORITY_LOW));
};

/** Reads events, runs the projection's handlers on them, and has the main thread store the outcome. */
const runProjection = async (port: MessagePort, data: ProjectionThreadData): Promise<void> => {
  const tell = (message: FromProjection): void => port.postMessage(message);
  const module = await loadSandboxModule();
  const source = openProjectionSource(data.path);
  const beginStep = createStepPacing((ms) => pauseForAppends(data.appendsInFlight, ms));
  const pending = createPendingStates((partition) => source.stateOf(data.run, partition));
  const beat = (): void => {
    Atomics.add(data.pulse, 0, 2);
  };
  const open = (): Sandbox =>
    openSandbox(module, {
      query: data.query,
      emitEnabled: data.emitEnabled,
      executionTimeoutMs: data.executionTimeoutMs,
      memoryLimitBytes: data.memoryLimitBytes,
      load: pending.load,
      onStep: beat,
    });

  /** While the pulse is odd and does not change, a step that cannot be interrupted is running. */
  const whileWatched = <T>(work: () => T): T => {
    Atomics.add(data.pulse, 0, 1);
    try {
      return work();
    } finally {
      Atomics.add(data.pulse, 0, 1);
    }
  };

  let sandbox: Sandbox;
  try {
    sandbox = whileWatched(open);
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    tell({ kind: 'invalid', reason: error.message });
    source.close();
    port.close();
    return;
  }
  const reading = createReading(source, sandbox.sources, data.checkpoint);
  let checkpoint: ProjectionCheckpoint = reading.checkpoint();
  /** Events that were read but not processed yet, and the checkpoint after them. */
  let left: readonly ReadEvent[] = [];
  let afterLeft = checkpoint;
  let upTo = 0;
  let drained = false;
  let unstored = 0;
  let moved = false;
  let storedAt = Date.now();
  let committing: (() => void) | undefined;
  let committed: Promise<void> = Promise.resolve();
  let pumping = false;
  let ending: 'store' | 'drop' | undefined;
  let ended = false;
  let handled = 0;
  let busyMs = 0;
  let cached = 0;
  let timer: NodeJS.Timeout | undefined;

  const progress = (): ProjectionProgress => ({
    checkpoint,
    handled,
    busyMs,
    cached,
    pending: unstored,
  });

  /** Waits only for the previous commit, so that processing continues during this one. */
  const store = async (output?: BatchOutput, events: readonly ReadEvent[] = []): Promise<void> => {
    const emitted =
      output === undefined ? [] : emittedMessages(data, output.emitted, events, checkpointBefore);
    await committed;
    committed = new Promise<void>((resolve) => (committing = resolve)).then(pending.stored);
    tell({ kind: 'commit', progress: progress(), states: pending.take(), emitted });
    unstored = 0;
    moved = false;
    storedAt = Date.now();
  };
  let checkpointBefore = checkpoint;

  /** Processes the events before the row again, in a new sandbox, and faults at the row. */
  const recover = (failure: SandboxFailure, events: readonly ReadEvent[]): BatchOutput => {
    sandbox.close();
    sandbox = whileWatched(open);
    const before = events.slice(0, firstAtPlace(events, failure.row)).map(({ row }) => row);
    const nothing = { handled: 0, states: [], emitted: [], logged: [], cached: 0 };
    const output =
      before.length === 0 ? { ...nothing, done: 0 } : whileWatched(() => sandbox.run(before));
    return output.done < before.length ? output : { ...output, fault: failure.message };
  };

  const runBatch = (events: readonly ReadEvent[]): BatchOutput => {
    const startedAt = performance.now();
    try {
      const output = whileWatched(() => sandbox.run(events.map(({ row }) => row)));
      const { fault: reason, done } = output;
      if (reason === undefined || firstAtPlace(events, done) === done) return output;
      return recover(new SandboxFailure(done, reason), events);
    } catch (error) {
      if (!(error instanceof SandboxFailure)) throw error;
      return recover(error, events);
    } finally {
      busyMs += performance.now() - startedAt;
    }
  };

  const fault = async (message: string, at: ReadEvent | undefined): Promise<void> => {
    await committed;
    const place = at === undefined ? '' : faultPlaceOf(at);
    const reason =
      message === EMIT_REFUSED
        ? message
        : `The ${data.name} projection failed to process an event.\n` +
          'Handler: EventStore.Projections.Core.Services.Interpreted.JintProjectionStateHandler\n' +
          `Event Position: ${place}\n\nMessage:\n\n${message}`;
    tell({ kind: 'faulted', reason });
    end();
  };

  const end = (): void => {
    ended = true;
    clearTimeout(timer);
    source.close();
    port.close();
  };

  const step = async (): Promise<void> => {
    const size = beginStep();
    if (left.length === 0) {
      const batch = reading.next(upTo);
      left = batch.events;
      afterLeft = batch.checkpoint;
      drained = batch.drained;
    }
    checkpointBefore = checkpoint;
    const events = left.slice(0, firstAtPlace(left, size));
    const output = events.length === 0 ? undefined : runBatch(events);
    const done = output?.done ?? 0;
    left = left.slice(done);
    moved = true;
    checkpoint =
      left.length === 0 ? afterLeft : checkpointAfter(checkpointBefore, events, done - 1);
    if (output === undefined) return;
    if (output.logged.length > 0) tell({ kind: 'logged', lines: output.logged });
    handled += output.handled;
    unstored += done;
    cached = output.cached;
    pending.add(output.states);
    const faulted = output.fault !== undefined;
    if (output.emitted.length > 0 || isFull() || faulted) await store(output, events);
    if (output.fault !== undefined) await fault(output.fault, events[done]);
  };

  const isFull = (): boolean =>
    unstored >= EVENTS_PER_PROJECTION_CHECKPOINT ||
    pending.count() >= STATES_PER_CHECKPOINT ||
    pending.bytes() >= BYTES_PER_CHECKPOINT;

  const storeLater = (): void => {
    if (!moved || timer !== undefined) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        void pump();
      },
      Math.max(0, storedAt + CHECKPOINT_EVERY_MS - Date.now()),
    );
  };

  const isBehind = (): boolean => left.length > 0 || checkpoint.position < upTo || !drained;

  /** A function, because its result changes across awaits. */
  const goesOn = (): boolean => !ended && ending === undefined;

  const storeIfDue = async (): Promise<void> => {
    if (goesOn() && moved && Date.now() - storedAt >= CHECKPOINT_EVERY_MS) await store();
  };

  const finish = async (): Promise<void> => {
    if (ended) return;
    if (ending !== undefined) {
      if (ending === 'store' && moved) await store();
      await committed;
      tell({ kind: 'stopped' });
      end();
    } else if (data.endsAtCatchUp) {
      await store();
      await committed;
      tell({ kind: 'completed', progress: progress() });
      end();
    } else {
      tell({ kind: 'idle', progress: progress() });
      storeLater();
    }
  };

  const pump = async (): Promise<void> => {
    if (pumping || ended) return;
    pumping = true;
    do {
      while (goesOn() && isBehind()) {
        await step();
        await storeIfDue();
        await nextTurn();
      }
      await storeIfDue();
    } while (goesOn() && isBehind());
    pumping = false;
    await finish();
  };

  port.on('message', (message: ToProjection) => {
    switch (message.kind) {
      case 'advance':
        if (message.upTo > upTo) drained = false;
        upTo = Math.max(upTo, message.upTo);
        void pump();
        return;
      case 'committed':
        committing?.();
        return;
      case 'state':
        tell({ kind: 'state', id: message.id, found: pending.load(message.partition) });
        return;
      case 'stop':
        ending = message.writeCheckpoint ? 'store' : 'drop';
        void pump();
        return;
    }
  });
  yieldToOthers();
  tell({ kind: 'defined', sources: sandbox.sources });
};

if (parentPort === null) throw new Error('A projection must run in a worker thread.');
await runProjection(parentPort, workerData as ProjectionThreadData);
