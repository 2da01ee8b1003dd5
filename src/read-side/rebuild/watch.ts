import type { EventStore } from '../../ports/event-store.js';
import type { ReadStore, VersionState } from '../../ports/read-store.js';
import { pause } from '../../platform/async/retry.js';
import { compareWithLog, type Comparison } from '../audit/compare.js';
import {
  headsOf,
  hasWholeStream,
  lateOf,
  waitForLate,
  type StreamHeads,
  type Late,
} from '../audit/heads.js';

export interface WatchRebuildOptions {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly logId: string;
  /** The name of the version to be filled. One that was begun before is gone on with. */
  readonly version: string;
  readonly onProgress: (progress: WatchProgress) => void;
  readonly signal: AbortSignal;
  readonly everyMs?: number;
  /** So long without a single event more, and nobody seems to fill it. */
  readonly patienceMs?: number;
  /** How long documents may be behind a log that goes on growing. */
  readonly waitMs?: number;
}

export interface WatchProgress {
  readonly events: number;
  readonly total: number;
}

export type WatchedRebuild =
  | { readonly kind: 'built'; readonly state: VersionState; readonly comparison: Comparison }
  /** Nothing came for a while: no projector seems to run. */
  | { readonly kind: 'stalled'; readonly events: number; readonly total: number };

/**
 * Asks for a version of the read models by its record, which every running projector follows, and
 * watches it being filled up to the log's end; then compares it and marks it ready. Only records
 * are written here, so it may be broken off and begun again at any moment.
 */
export const watchRebuild = async (options: WatchRebuildOptions): Promise<WatchedRebuild> => {
  const { eventStore, readStore, logId, version, onProgress, signal } = options;
  const { everyMs = 500, patienceMs = 60_000, waitMs = 10_000 } = options;
  const { state } = await readStore.createVersion(version, logId);
  const documents = readStore.documents(version);
  const heads = await headsOf(eventStore, signal);
  const total = [...heads.values()].reduce((sum, head) => sum + head + 1, 0);

  let best = -1;
  let movedAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const late = await lateOf(documents, heads);
    const missing = late.reduce((sum, { by }) => sum + by, 0);
    const events = total - missing;
    onProgress({ events, total });
    if (missing === 0) break;
    if (events > best) {
      best = events;
      movedAt = performance.now();
    } else if (performance.now() - movedAt > patienceMs) return { kind: 'stalled', events, total };
    else await forgetDeleted(eventStore, heads, late);
    await pause(everyMs, signal);
  }

  const compared = await compareWithLog({ eventStore, documents, signal });
  const behind = await waitForLate(documents, compared.behind, { waitMs, signal });
  const equal = compared.differing === 0 && behind.length === 0;
  const comparison = { ...compared, behind, equal };
  if (state === 'building' && equal) await readStore.markReady(version);
  return { kind: 'built', state: state === 'building' && equal ? 'ready' : state, comparison };
};

const LOOKED_AT = 20;

/** Nothing is to be expected of streams that cannot be read from their beginning any more. */
export const forgetDeleted = async (
  eventStore: EventStore,
  heads: StreamHeads,
  late: readonly Late[],
): Promise<void> => {
  for (const { animeId } of late.slice(0, LOOKED_AT)) {
    if (!(await hasWholeStream(eventStore, animeId))) heads.delete(animeId);
  }
};
