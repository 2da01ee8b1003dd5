import { ANIME_STREAM_PREFIX, type AnimeId, animeIdOf, streamOf } from '../../domain/ids.js';
import { StreamDeletedError } from '../../ports/errors.js';
import type { EventStore, Position } from '../../ports/event-store.js';
import type { DocumentStore } from '../../ports/read-store.js';
import { presenceOf } from '../../wire/presence.js';
import { chunksOf } from '../../platform/async/pages.js';
import { pause } from '../../platform/async/retry.js';

/** The last revision of each anime's stream. */
export type StreamHeads = Map<AnimeId, number>;

/** An anime whose document is behind its stream. */
export interface Late {
  readonly animeId: AnimeId;
  /** The last revision of the stream. */
  readonly head: number;
  /** Number of events that the document lacks. */
  readonly by: number;
}

/** The heads of all anime streams. */
export const headsOf = async (eventStore: EventStore, signal: AbortSignal): Promise<StreamHeads> =>
  (await headsSince(eventStore, 'start', signal)).heads;

/** The heads of the streams with events after a position, and how far the log was read. */
export const headsSince = async (
  eventStore: EventStore,
  after: Position | 'start',
  signal: AbortSignal,
): Promise<{ readonly heads: StreamHeads; readonly upTo: Position | null }> => {
  const heads: StreamHeads = new Map();
  let upTo: Position | null = null;
  const options = { after, streamPrefix: ANIME_STREAM_PREFIX, signal };
  for await (const delivery of eventStore.subscribeToAll(options)) {
    if (delivery.kind === 'caught-up') break;
    upTo = delivery.kind === 'event' ? delivery.event.position : delivery.position;
    if (delivery.kind !== 'event') continue;
    const animeId = animeIdOf(delivery.event.stream);
    if (animeId !== undefined) heads.set(animeId, Number(delivery.event.revision));
  }
  return { heads, upTo };
};

/** Whether an anime's stream still has its first event: it may be deleted or truncated. */
export const hasWholeStream = async (
  eventStore: EventStore,
  animeId: AnimeId,
): Promise<boolean> => {
  try {
    for await (const { revision } of eventStore.read(streamOf(animeId), { limit: 1 })) {
      return revision === 0n;
    }
  } catch (error) {
    if (!(error instanceof StreamDeletedError)) throw error;
  }
  return false;
};

const IDS_AT_ONCE = 1_000;

/** The documents that are behind these heads. */
export const lateOf = async (
  documents: DocumentStore,
  heads: ReadonlyMap<AnimeId, number>,
): Promise<readonly Late[]> => {
  const late: Late[] = [];
  for await (const chunk of chunksOf(heads, IDS_AT_ONCE)) {
    const found = await documents.animes(chunk.map(([animeId]) => animeId));
    const revisions = new Map(found.map(({ animeId, revision }) => [animeId, revision]));
    for (const [animeId, head] of chunk) {
      const by = head - (revisions.get(animeId) ?? -1);
      if (by > 0) late.push({ animeId, head, by });
    }
  }
  return late;
};

/** Number of documents with events that are not in the log. */
export const aheadOf = async (
  eventStore: EventStore,
  documents: DocumentStore,
  heads: ReadonlyMap<AnimeId, number>,
): Promise<number> => {
  let ahead = 0;
  for await (const { animeId, revision, lastEventId: id } of documents.allAnimes()) {
    if (revision <= (heads.get(animeId) ?? -1)) continue;
    const { kind } = await presenceOf(eventStore, { stream: streamOf(animeId), revision, id });
    if (kind === 'lost') ahead += 1;
  }
  return ahead;
};

const LATE_POLL_MS = 250;

/** Waits for late documents; returns those that are still late at the deadline. */
export const waitForLate = async (
  documents: DocumentStore,
  late: readonly Late[],
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<readonly Late[]> => {
  const deadline = performance.now() + waitMs;
  let missing = late;
  while (missing.length > 0 && performance.now() < deadline && !signal.aborted) {
    await pause(LATE_POLL_MS, signal);
    missing = await lateOf(documents, new Map(missing.map(({ animeId, head }) => [animeId, head])));
  }
  return missing;
};
