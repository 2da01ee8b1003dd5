import { LRUCache } from 'lru-cache';
import type { AnimeId } from '../../domain/ids.js';
import { streamOf } from '../../domain/stream-name.js';
import type { EventStore } from '../../ports/event-store.js';
import type { DocumentStore } from '../../ports/read-store.js';
import type { StreamTrouble } from '../../platform/observability/health.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { presenceOf, type Presence } from '../../wire/presence.js';
import { revisionOf, viewOf, type AnimeView } from './cached-anime.js';
import { emptyAnime, emptyPartsBelow, nextGeneration } from '../rebuild/recompute.js';
import type { DocumentCache } from './document-cache.js';
import type { Claim } from './classify.js';

export interface AheadOfLogOptions {
  readonly eventStore: EventStore;
  readonly documents: DocumentStore;
  readonly cache: DocumentCache;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly monotonic?: () => number;
}

/** What is to be done for an anime once its document was checked. */
export interface Checked {
  readonly view: AnimeView;
  readonly claims: readonly Claim[];
}

/** A topic that is delivered again costs a read per anime, and a log is not restored so fast. */
const TRUSTED_MS = 5_000;

const MAX_SEEN = 100_000;

/**
 * Finds documents that hold events which the log does not have: it was restored from an older copy,
 * or lost its end. A stored document is checked before anything is applied to it. A claim at or below
 * its revision is either a duplicate or an event of the log's new course: the event at the document's
 * revision tells which. What is ahead is computed anew from the stream, in a later generation.
 */
export const createAheadOfLog = (options: AheadOfLogOptions) => {
  const { eventStore, documents, cache, logger, metrics } = options;
  const { monotonic = () => performance.now() } = options;
  /** Being computed anew, up to this revision. */
  const healing = new Map<AnimeId, number>();
  /** Their stored documents were checked by this process: it applies nothing on top of another log's. */
  const seen = new LRUCache<AnimeId, true>({ maxSize: MAX_SEEN, sizeCalculation: () => 1 });

  const check = async (view: AnimeView, claims: readonly Claim[]): Promise<Checked> => {
    const { animeId, document, lineage } = view;
    const held = revisionOf(view);
    const goal = healing.get(animeId);
    // Begun before a failure, which has forgotten how far it was to go.
    const hasGoal = ({ revision, decoded }: Claim): boolean =>
      revision === goal && decoded === null;
    const wanted =
      goal === undefined || claims.some(hasGoal)
        ? claims
        : [...claims, { revision: goal, decoded: null }];
    if (document === null) {
      seen.set(animeId, true);
      return { view, claims: wanted };
    }
    if (held < 0) return await begin(view, wanted);
    const isConflict = (claim: Claim): boolean =>
      claim.revision === held && claim.decoded !== null && claim.id !== document.lastEventId;
    const conflicts = wanted.some(isConflict);
    if (!conflicts && seen.has(animeId) && !wanted.some(({ revision }) => revision <= held)) {
      return { view, claims: wanted };
    }
    const { verified } = lineage;
    const isFresh =
      verified !== null && verified.revision >= held && monotonic() - verified.at < TRUSTED_MS;
    if (isFresh && seen.has(animeId) && !conflicts) return { view, claims: wanted };
    const presence = await presenceOfDocument(view, document.lastEventId);
    if (presence.kind === 'lost') return await computeAnew(view);
    lineage.verified = { revision: held, at: monotonic() };
    seen.set(animeId, true);
    if (!conflicts || presence.kind === 'unknown') return { view, claims: wanted };
    return { view, claims: wanted.filter((claim) => !isConflict(claim) || !refuse(view, claim)) };
  };

  const presenceOfDocument = (view: AnimeView, id: string): Promise<Presence> =>
    presenceOf(eventStore, { stream: streamOf(view.animeId), revision: revisionOf(view), id });

  /** The document is right, so the record is of an event that the log has lost. */
  const refuse = ({ animeId }: AnimeView, { revision }: Claim): true => {
    metrics.projectorAlarms.inc({ kind: 'lost-record' });
    logger.error('A record of an event that the log does not have is refused', {
      ...{ animeId, revision },
    });
    return true;
  };

  const computeAnew = async (view: AnimeView): Promise<Checked> => {
    const { animeId } = view;
    const known = await eventStore.head(streamOf(animeId));
    const head = known === 'no_stream' ? -1 : Number(known);
    if (!healing.has(animeId)) {
      metrics.projectorAlarms.inc({ kind: 'ahead-of-log' });
      logger.error(
        'The documents of an anime hold events that the log does not have: it was restored or lost its end. They are computed anew from the stream',
        { animeId, document: revisionOf(view), head },
      );
    }
    healing.set(animeId, head);
    const generation = await nextGeneration(documents, animeId, view.generation);
    // Saved first: whatever happens now, it is seen that the anime is to be computed.
    const empty = emptyAnime(animeId, generation);
    await documents.save({ interactions: [], days: [], animes: [empty] });
    const fresh = viewOf(animeId, generation, empty);
    cache.replace(fresh);
    // Claims above the head are of events that the log does not have.
    return await begin(fresh, [{ revision: head, decoded: null }]);
  };

  /** Parts of an earlier generation may be of users that the stream does not know. */
  const begin = async (view: AnimeView, claims: readonly Claim[]): Promise<Checked> => {
    await emptyPartsBelow(documents, view.animeId, view.generation);
    return { view, claims };
  };

  return {
    check,
    /** Whatever was found out before: the document is looked at again. */
    suspect: (animeId: AnimeId): void => void seen.delete(animeId),
    /** Everything that was claimed of the anime is in saved documents. */
    settled: (animeId: AnimeId): void => void healing.delete(animeId),
    all: (): ReadonlyMap<AnimeId, number> => healing,
  };
};

/** While it lasts: what queries say of the anime is not complete yet. */
export const troubleOfAhead = ([animeId, head]: readonly [AnimeId, number]): StreamTrouble => {
  const stream = streamOf(animeId);
  return {
    stream,
    detail: `The documents of ${stream} held events that the log does not have: it was restored or lost its end. They are being computed anew up to revision ${head}.`,
    remedy:
      'None while it goes on. Where it does not: anime-analytics rebuild, then anime-analytics rebuild promote',
  };
};
