import { ANIME_STREAM_PREFIX } from '../domain/stream-name.js';
import type { Position, RecordedEvent } from '../ports/event-store.js';
import type { ReadStore, VersionState } from '../ports/read-store.js';
import { fromRecorded } from '../wire/stream-event.js';
import { createApplier, type ApplierOptions } from './applier.js';
import { deadLetter } from './dead-letters.js';
import { compareWithLog, type CompareOptions, type Comparison } from './fold-and-compare.js';
import { createLanes } from './lanes.js';

export interface RebuildOptions extends Pick<
  ApplierOptions,
  'eventStore' | 'deadLetters' | 'logId' | 'logger' | 'metrics'
> {
  readonly readStore: ReadStore;
  /** The name of the version to fill. One that was begun before is gone on with. */
  readonly version: string;
  readonly cachedDocuments?: number;
  /** Anime are dealt out to so many lanes: while one is saved, another one is folded. */
  readonly lanes?: number;
  readonly batchEvents?: number;
  /** Whether every document is compared with the log at the end. */
  readonly compare?: boolean;
  readonly onProgress?: (progress: RebuildProgress) => void;
  /** Of the comparison. */
  readonly onCompared?: CompareOptions['onProgress'];
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

export interface RebuildProgress {
  readonly events: number;
  readonly position: Position;
}

export interface RebuildResult {
  readonly version: string;
  readonly state: VersionState;
  readonly events: number;
  readonly elapsedMs: number;
  /** Null where it was not asked for. */
  readonly comparison: Comparison | null;
}

const PROGRESS_EVERY = 5_000;

/**
 * Computes the documents of a version from the log's beginning up to its present end, compares
 * them, and marks the version ready where they are equal. Nobody reads it before it is promoted,
 * which is another call. Others may feed the version meanwhile: saves are guarded.
 */
export const rebuild = async (options: RebuildOptions): Promise<RebuildResult> => {
  const { eventStore, readStore, deadLetters, logId, version, onProgress } = options;
  const {
    lanes: count = 4,
    batchEvents = 5_000,
    compare = true,
    cachedDocuments = 500_000,
  } = options;
  const { onCompared, signal = new AbortController().signal, now = Date.now } = options;
  const startedAt = performance.now();
  const { state } = await readStore.createVersion(version, logId);
  const documents = readStore.documents(version);
  const startsEmpty = await isEmpty(documents.allAnimes());
  const applier = createApplier({ ...options, documents, cachedDocuments, startsEmpty });
  const lanes = createLanes({ count, batchEvents, apply: applier.apply, signal });

  const list = ({ stream, revision, data }: RecordedEvent, reason: string): Promise<void> =>
    deadLetters.add(
      deadLetter({
        ...{ stream, revision: Number(revision), source: stream, reason },
        ...{ value: data, at: new Date(now()) },
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
      const full = lanes.add(reading.event);
      if (full !== null) await full;
    } else await list(delivery.event, reading.reason);
    events += 1;
    last = delivery.event.position;
    if (events % PROGRESS_EVERY === 0) onProgress?.({ events, position: last });
  }
  signal.throwIfAborted();
  await lanes.finish();
  if (last !== null) {
    await documents.setFlushed(last);
    onProgress?.({ events, position: last });
  }
  const elapsedMs = performance.now() - startedAt;
  const comparing = onCompared === undefined ? {} : { onProgress: onCompared };
  const comparison = compare
    ? await compareWithLog({ eventStore, documents, signal, ...comparing })
    : null;
  const isReady = state === 'building' && (comparison === null || comparison.differing === 0);
  if (isReady) await readStore.markReady(version);
  return { version, state: isReady ? 'ready' : state, events, elapsedMs, comparison };
};

const isEmpty = async (items: AsyncIterable<unknown>): Promise<boolean> => {
  for await (const _ of items) return false;
  return true;
};
