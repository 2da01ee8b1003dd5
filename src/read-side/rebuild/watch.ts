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
  /** The version to fill. An earlier rebuild of it is resumed. */
  readonly version: string;
  readonly onProgress: (progress: WatchProgress) => void;
  readonly signal: AbortSignal;
  readonly everyMs?: number;
  /** After this time without a new event, no projector seems to run. */
  readonly patienceMs?: number;
  /** How long to wait for late documents while the log grows. */
  readonly waitMs?: number;
}

export interface WatchProgress {
  readonly events: number;
  readonly total: number;
}

export type WatchedRebuild =
  | { readonly kind: 'built'; readonly state: VersionState; readonly comparison: Comparison }
  /** No new event for a while: no projector seems to run. */
  | { readonly kind: 'stalled'; readonly events: number; readonly total: number };

/**
 * Creates the record of a version, which every running projector then fills. Waits until it has
 * reached the end of the log, compares it and marks it ready. This writes only the record, so it can
 * be interrupted and started again at any time.
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
  const isReady = state === 'building' && equal;
  if (isReady) await readStore.markReady(version);
  return { kind: 'built', state: isReady ? 'ready' : state, comparison };
};

const CHECKED_PER_POLL = 20;

/** Streams that were deleted or truncated cannot fill their documents. */
export const forgetDeleted = async (
  eventStore: EventStore,
  heads: StreamHeads,
  late: readonly Late[],
): Promise<void> => {
  for (const { animeId } of late.slice(0, CHECKED_PER_POLL)) {
    if (!(await hasWholeStream(eventStore, animeId))) heads.delete(animeId);
  }
};
