import { ANIME_STREAM_PREFIX, type AnimeId } from '../../domain/ids.js';
import { isEmpty } from '../../platform/async/pages.js';
import { UnavailableError } from '../../ports/errors.js';
import type { Position, RecordedEvent } from '../../ports/event-store.js';
import type { ReadStore, VersionState } from '../../ports/read-store.js';
import { fromRecorded, type StreamEvent } from '../../wire/stream-event.js';
import { type CompareOptions, compareWithLog, type Comparison } from '../audit/compare.js';
import {
  type ApplierOptions,
  createApplier,
  type PendingEvents,
  type Steps,
} from '../projector/apply-batch.js';
import type { IncomingEvent } from '../projector/classify.js';
import { deadLetter } from '../projector/quarantine.js';

export interface RebuildOptions extends Pick<
  ApplierOptions,
  'eventStore' | 'deadLetters' | 'logId' | 'logger' | 'metrics'
> {
  readonly readStore: ReadStore;
  /** The version to fill. An earlier rebuild of it is resumed. */
  readonly version: string;
  readonly cachedDocuments?: number;
  /** The number of workers, each for a part of the anime, so that saving and folding overlap. */
  readonly workers?: number;
  readonly batchEvents?: number;
  /** Whether to compare every document with the log at the end. */
  readonly compare?: boolean;
  readonly onProgress?: (progress: RebuildProgress) => void;
  /** The progress of the comparison. */
  readonly onCompared?: CompareOptions['onProgress'];
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

interface RebuildProgress {
  readonly events: number;
  readonly position: Position;
}

export interface RebuildResult {
  readonly version: string;
  readonly state: VersionState;
  readonly events: number;
  readonly elapsedMs: number;
  /** Null if it was not requested. */
  readonly comparison: Comparison | null;
}

const PROGRESS_EVERY = 5_000;

/**
 * Computes the documents of a version from the beginning of the log to its present end, compares
 * them with the log, and marks the version ready if they are equal. Queries use it only after it is
 * promoted. Projectors may update the version meanwhile: saves are guarded.
 */
export const rebuild = async (options: RebuildOptions): Promise<RebuildResult> => {
  const { eventStore, readStore, deadLetters, logId, version } = options;
  const {
    workers: count = 4,
    batchEvents = 5_000,
    compare = true,
    cachedDocuments = 500_000,
  } = options;
  const { onProgress = () => undefined, onCompared = () => undefined } = options;
  const { signal = new AbortController().signal, now = Date.now } = options;
  const startedAt = performance.now();
  const { state } = await readStore.createVersion(version, logId);
  const documents = readStore.documents(version);
  const startsEmpty = await isEmpty(documents.allAnimes());
  const applier = createApplier({ ...options, documents, cachedDocuments, startsEmpty });
  const workers = createWorkers({ count, batchEvents, apply: applier.apply, signal });

  const addDeadLetter = (
    { stream, revision, data }: RecordedEvent,
    reason: string,
  ): Promise<void> =>
    deadLetters.add(
      deadLetter({
        stream,
        revision: Number(revision),
        source: stream,
        reason,
        value: data,
        at: new Date(now()),
      }),
    );

  let events = 0;
  let last: Position | null = null;
  const subscription = { after: 'start', streamPrefix: ANIME_STREAM_PREFIX, signal } as const;
  for await (const delivery of eventStore.subscribeToAll(subscription)) {
    if (delivery.kind === 'caught-up') break;
    if (delivery.kind !== 'event') continue;
    const reading = fromRecorded(delivery.event, logId);
    if (reading.kind === 'event') {
      const full = workers.add(reading.event);
      if (full !== null) await full;
    } else await addDeadLetter(delivery.event, reading.reason);
    events += 1;
    last = delivery.event.position;
    if (events % PROGRESS_EVERY === 0) onProgress({ events, position: last });
  }
  signal.throwIfAborted();
  await workers.finish();
  await applier.confirm(signal);
  if (applier.unconfirmed().size > 0) {
    throw new UnavailableError('The event store is behind the delivered events of a stream.');
  }
  if (last !== null) {
    await documents.setFlushed(last);
    onProgress({ events, position: last });
  }
  const elapsedMs = performance.now() - startedAt;
  const comparison = compare
    ? await compareWithLog({ eventStore, documents, signal, onProgress: onCompared })
    : null;
  const isReady = state === 'building' && (comparison === null || comparison.differing === 0);
  if (isReady) await readStore.markReady(version);
  return { version, state: isReady ? 'ready' : state, events, elapsedMs, comparison };
};

interface WorkersOptions {
  readonly count: number;
  readonly batchEvents: number;
  readonly apply: (pending: PendingEvents, steps: Steps) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Distributes events over workers by anime. A worker applies one batch at a time, in order. Workers
 * overlap, so that the folding and the saving thread are both busy. At most two batches per worker
 * are in memory.
 */
const createWorkers = ({ count, batchEvents, apply, signal }: WorkersOptions) => {
  const steps: Steps = { heartbeat: () => Promise.resolve(), signal };

  const createWorker = () => {
    let pending = new Map<AnimeId, IncomingEvent[]>();
    let size = 0;
    let running: Promise<void> = Promise.resolve();
    return {
      /** Returns whether the batch is full. */
      add(event: StreamEvent): boolean {
        const incoming = pending.get(event.animeId);
        if (incoming === undefined) pending.set(event.animeId, [event]);
        else incoming.push(event);
        size += 1;
        return size >= batchEvents;
      },
      /** Applies the batch once the one before it is saved. */
      async begin(): Promise<void> {
        await running;
        const batch = pending;
        pending = new Map();
        size = 0;
        running = apply(batch, steps);
        // A failure is thrown when the next batch begins, or at the end.
        running.catch(() => undefined);
      },
      done: (): Promise<void> => running,
    };
  };
  const workers = Array.from({ length: count }, createWorker);

  return {
    /** Resolves when the next batch may begin; rejects with the error of an earlier one. */
    add(event: StreamEvent): Promise<void> | null {
      const worker = workers[event.animeId % count];
      return worker?.add(event) === true ? worker.begin() : null;
    },

    async finish(): Promise<void> {
      for (const worker of workers) await worker.begin();
      await Promise.all(workers.map((worker) => worker.done()));
    },
  };
};
