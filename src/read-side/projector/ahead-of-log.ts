import { LRUCache } from 'lru-cache';
import { type AnimeId, streamOf } from '../../domain/ids.js';
import type { EventStore } from '../../ports/event-store.js';
import type { DocumentStore } from '../../ports/read-store.js';
import type { StreamTrouble } from '../../platform/observability/health.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { presenceOf, type Presence } from '../../wire/presence.js';
import { emptyAnime, emptyPartsBelow, nextGeneration } from '../rebuild/replay.js';
import { type CachedAnime, cachedAnimeOf, revisionOf } from './fold.js';
import { type DocumentCache } from './document-cache.js';
import type { IncomingEvent } from './classify.js';

export interface AheadOfLogOptions {
  readonly eventStore: EventStore;
  readonly documents: DocumentStore;
  readonly cache: DocumentCache;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly monotonic: () => number;
}

/** An anime whose document was checked, and the events to apply to it. */
export interface Checked {
  readonly cached: CachedAnime;
  readonly incoming: readonly IncomingEvent[];
}

/** Saves a read per anime when a topic is redelivered; restoring a log takes longer than this. */
const TRUSTED_MS = 5_000;

const MAX_SEEN = 100_000;

/**
 * Finds documents with events that the log does not have: it was restored from an older copy, or
 * lost its end. A stored document is checked before anything is applied to it. An event at or below
 * its revision is either a duplicate or was written after the restore; the event at the document's
 * revision tells which. Documents ahead of the log are recomputed in a later generation.
 */
export const createAheadOfLog = (options: AheadOfLogOptions) => {
  const { eventStore, documents, cache, logger, metrics, monotonic } = options;
  /** Anime being recomputed, and the target revision. */
  const recomputing = new Map<AnimeId, number>();
  /** Stored documents that this process has checked. */
  const seen = new LRUCache<AnimeId, true>({ maxSize: MAX_SEEN, sizeCalculation: () => 1 });

  const check = async (
    cached: CachedAnime,
    incoming: readonly IncomingEvent[],
  ): Promise<Checked> => {
    const { animeId, document, parts } = cached;
    const held = revisionOf(cached);
    const target = recomputing.get(animeId);
    // After a failure the events of the next attempt may lack the target revision.
    const wanted =
      target === undefined ? incoming : [...incoming, { revision: target, decoded: null }];
    if (document === null) {
      seen.set(animeId, true);
      return { cached, incoming: wanted };
    }
    if (held < 0) return await begin(cached, wanted);
    const isConflict = (event: IncomingEvent): boolean =>
      event.revision === held && event.decoded !== null && event.id !== document.lastEventId;
    const conflicts = wanted.some(isConflict);
    if (!conflicts && seen.has(animeId) && !wanted.some(({ revision }) => revision <= held)) {
      return { cached, incoming: wanted };
    }
    const { verified } = parts;
    const isRecent =
      verified !== null && verified.revision >= held && monotonic() - verified.at < TRUSTED_MS;
    if (isRecent && seen.has(animeId) && !conflicts) return { cached, incoming: wanted };
    const presence = await presenceOfDocument(cached, document.lastEventId);
    if (presence.kind === 'lost') return await recompute(cached);
    parts.verified = { revision: held, at: monotonic() };
    seen.set(animeId, true);
    if (!conflicts || presence.kind === 'unknown') return { cached, incoming: wanted };
    return {
      cached,
      incoming: wanted.filter((event) => !isConflict(event) || !refuse(cached, event)),
    };
  };

  const presenceOfDocument = (cached: CachedAnime, id: string): Promise<Presence> =>
    presenceOf(eventStore, { stream: streamOf(cached.animeId), revision: revisionOf(cached), id });

  /** The document matches the log, so the record is of an event that the log has lost. */
  const refuse = ({ animeId }: CachedAnime, { revision }: IncomingEvent): true => {
    metrics.projectorAlarms.inc({ kind: 'lost-record' });
    logger.error('Record rejected: its event is not in the log', {
      animeId,
      revision,
    });
    return true;
  };

  const recompute = async (cached: CachedAnime): Promise<Checked> => {
    const { animeId } = cached;
    const known = await eventStore.head(streamOf(animeId));
    const head = known === 'no_stream' ? -1 : Number(known);
    if (!recomputing.has(animeId)) {
      metrics.projectorAlarms.inc({ kind: 'ahead-of-log' });
      logger.error(
        'The documents of an anime hold events that the log does not have: it was restored or lost its end. They are being recomputed from the stream',
        { animeId, document: revisionOf(cached), head },
      );
    }
    recomputing.set(animeId, head);
    const generation = await nextGeneration(documents, animeId, cached.generation);
    // Saved first, so that the recomputation is resumed after a crash.
    const empty = emptyAnime(animeId, generation);
    await documents.save({ interactions: [], days: [], animes: [empty] });
    const fresh = cachedAnimeOf(animeId, generation, empty);
    cache.replace(fresh);
    // Incoming events above the head are not in the log.
    return await begin(fresh, [{ revision: head, decoded: null }]);
  };

  /** Parts of an earlier generation may be of users that are not in the stream. */
  const begin = async (
    cached: CachedAnime,
    incoming: readonly IncomingEvent[],
  ): Promise<Checked> => {
    await emptyPartsBelow(documents, cached.animeId, cached.generation);
    return { cached, incoming };
  };

  return {
    check,
    /** Check the document again with the next event. */
    suspect: (animeId: AnimeId): void => void seen.delete(animeId),
    /** Every incoming event of the anime is in saved documents. */
    settled: (animeId: AnimeId): void => void recomputing.delete(animeId),
    all: (): ReadonlyMap<AnimeId, number> => recomputing,
  };
};

/** Reported by health until the recomputation is done: queries see an incomplete document. */
export const troubleOfAhead = ([animeId, head]: readonly [AnimeId, number]): StreamTrouble => {
  const stream = streamOf(animeId);
  return {
    stream,
    detail: `The documents of ${stream} held events that the log does not have: it was restored or lost its end. They are being recomputed up to revision ${head}.`,
    remedy:
      'None while it makes progress. If it does not: anime-analytics rebuild, then anime-analytics rebuild promote',
  };
};
