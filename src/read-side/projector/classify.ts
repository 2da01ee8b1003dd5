import { type AnimeId, streamOf } from '../../domain/ids.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { StreamDeletedError } from '../../ports/errors.js';
import type { EventStore } from '../../ports/event-store.js';
import { fromRecorded, type StreamEvent } from '../../wire/stream-event.js';
import { type CachedAnime, revisionOf } from './fold.js';
import type { AddDeadLetter, AlarmKind, Quarantine } from './quarantine.js';

/** A record that could not be read; all it says is that the stream has this revision. */
interface UnreadableNotice {
  readonly revision: number;
  readonly decoded: null;
}

/** An event of an anime's stream, as delivered by the bus. */
export type IncomingEvent = StreamEvent | UnreadableNotice;

/** The incoming events of an anime compared with its document, in order of arrival. */
interface Classification {
  /** Events that follow the document without a gap. */
  readonly run: readonly StreamEvent[];
  /** Classified again once the run is saved or the gap before them is filled. */
  readonly rest: readonly IncomingEvent[];
  readonly gap: Gap | null;
  readonly duplicates: number;
  /** A different event at the document's revision: the document was computed from another log. */
  readonly conflicting: StreamEvent | null;
}

const classify = (cached: CachedAnime, incoming: readonly IncomingEvent[]): Classification => {
  const run: StreamEvent[] = [];
  const held = revisionOf(cached);
  let duplicates = 0;
  for (const [index, event] of incoming.entries()) {
    const expected = held + 1 + run.length;
    const { revision } = event;
    if (revision < expected) {
      duplicates += 1;
      if (revision !== held || event.decoded === null) continue;
      if (event.id === cached.document?.lastEventId) continue;
      return { run: [], rest: [], gap: null, duplicates, conflicting: event };
    } else if (revision === expected && event.decoded !== null) {
      run.push(event);
    } else {
      const to = event.decoded === null ? revision : revision - 1;
      const gap = { from: expected, to };
      return { run, rest: incoming.slice(index), gap, duplicates, conflicting: null };
    }
  }
  return { run, rest: [], gap: null, duplicates, conflicting: null };
};

interface NextRunOptions {
  readonly eventStore: EventStore;
  readonly logId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly quarantine: Quarantine;
  readonly unconfirmed: UnconfirmedEvents;
  readonly addDeadLetter: AddDeadLetter;
  /** The maximum number of events read at once to fill a gap. */
  readonly gapFillLimit?: number;
}

/** The next run of one anime: it follows the document without a gap. */
export interface AnimeRun {
  readonly cached: CachedAnime;
  readonly run: readonly StreamEvent[];
  /** Classified again once the run is saved. */
  readonly rest: readonly IncomingEvent[];
}

/** Finds the next run of an anime; null if there is none. */
type FindRun = (
  cached: CachedAnime,
  incoming: readonly IncomingEvent[],
) => Promise<AnimeRun | null>;

export const createFindRun = (options: NextRunOptions): FindRun => {
  const { eventStore, logId, logger, metrics, quarantine, unconfirmed, addDeadLetter } = options;
  const { gapFillLimit = 1_000 } = options;

  const findRun: FindRun = async (cached, incoming) => {
    const { animeId, generation } = cached;
    unconfirmed.reached(animeId, revisionOf(cached));
    const why = quarantine.get(animeId);
    if (why?.kind === 'another-log' && why.generation === generation) return null;
    const classified = classify(cached, incoming);
    metrics.projectorDuplicates.inc(classified.duplicates);
    if (classified.conflicting !== null)
      return await refuseConflicting(cached, classified.conflicting);
    if (classified.run.length > 0) return { cached, run: classified.run, rest: classified.rest };
    return classified.gap === null ? null : await fillGap(cached, classified.rest, classified.gap);
  };

  const fillGap = async (
    cached: CachedAnime,
    rest: readonly IncomingEvent[],
    gap: Gap,
  ): Promise<AnimeRun | null> => {
    const { animeId } = cached;
    const filled = await readMissing(eventStore, logId, animeId, gap, gapFillLimit);
    if (filled.kind === 'events') {
      if (filled.events.at(-1)?.revision === gap.to) {
        metrics.projectorGaps.inc();
        logger.warn('Gap filled from the event store', { animeId, ...gap });
      }
      return { cached, run: filled.events, rest };
    }
    if (filled.kind === 'lost') return await quarantineAnime(cached, gap.from, filled.reason);
    return await skipUnconfirmed(cached, rest, filled.head);
  };

  /**
   * The first event was delivered with a revision that the stream does not have. Skipping it loses
   * nothing: gaps are filled from the stream, so a later event or `confirm` applies it in order.
   */
  const skipUnconfirmed = async (
    cached: CachedAnime,
    [first, ...rest]: readonly IncomingEvent[],
    head: bigint,
  ): Promise<AnimeRun | null> => {
    const { animeId } = cached;
    // An unreadable record already has a dead letter, and its revision proves nothing.
    if (first !== undefined && first.decoded !== null) unconfirmed.add(animeId, first.revision);
    if (first !== undefined && unconfirmed.isOverdue(animeId, first.revision)) {
      const reason = `Revision ${first.revision} was delivered, but the stream ends at ${head}.`;
      await quarantineAnime(cached, first.revision, reason);
    }
    return await findRun(cached, rest);
  };

  const refuseConflicting = (cached: CachedAnime, { revision }: StreamEvent): Promise<null> =>
    quarantineAnime(
      cached,
      revision,
      `The documents hold another event at revision ${revision} than the log: they were computed from another log and must be recomputed.`,
      'another-log',
    );

  const quarantineAnime = async (
    { animeId, generation }: CachedAnime,
    revision: number,
    reason: string,
    kind: AlarmKind = 'quarantined',
  ): Promise<null> => {
    if (quarantine.isNew(animeId, kind, generation)) {
      // First, because the alarm is not raised again if adding the dead letter fails.
      await addDeadLetter(animeId, revision, reason);
      quarantine.add(animeId, { kind, generation, reason });
    }
    unconfirmed.remove(animeId);
    return null;
  };

  return findRun;
};

export type GapFill =
  | { readonly kind: 'events'; readonly events: readonly StreamEvent[] }
  /** The stream no longer has them: it was deleted or truncated. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** The stream ends before them: a lagging follower, or an event of another log. */
  | { readonly kind: 'behind'; readonly head: bigint };

/** The first and last missing revision. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads missing events from the anime's own stream: from the gap's first revision on, at most
 * `limit` events.
 */
export const readMissing = async (
  eventStore: EventStore,
  logId: string,
  animeId: AnimeId,
  { from, to }: Gap,
  limit: number,
): Promise<GapFill> => {
  const stream = streamOf(animeId);
  const read = async (): Promise<readonly StreamEvent[]> => {
    const events: StreamEvent[] = [];
    const options = { from: BigInt(from), limit: Math.min(limit, to - from + 1) };
    for await (const recorded of eventStore.read(stream, options)) {
      const reading = fromRecorded(recorded, logId);
      if (reading.kind !== 'event' || reading.event.revision !== from + events.length) break;
      events.push(reading.event);
    }
    return events;
  };
  try {
    const events = await read();
    if (events.length > 0) return { kind: 'events', events };
    const head = await eventStore.head(stream);
    if (head === 'no_stream') return { kind: 'lost', reason: `Stream ${stream} was deleted.` };
    if (head < BigInt(from)) return { kind: 'behind', head };
    // The event may have been appended between the read and the look at the head.
    const appended = await read();
    if (appended.length > 0) return { kind: 'events', events: appended };
  } catch (error) {
    if (!(error instanceof StreamDeletedError)) throw error;
    return { kind: 'lost', reason: error.message };
  }
  return { kind: 'lost', reason: `Stream ${stream} was truncated above revision ${from}.` };
};

interface Unconfirmed {
  /** The highest revision that was delivered. */
  readonly revision: number;
  readonly since: number;
}

/** Anime with delivered events that their streams, as the event store reads them, do not have yet. */
export interface UnconfirmedEvents {
  readonly all: () => ReadonlyMap<AnimeId, Unconfirmed>;
  add(animeId: AnimeId, revision: number): void;
  /** Whether this is the highest revision, and the event store has had the time to catch up. */
  isOverdue(animeId: AnimeId, revision: number): boolean;
  /** The document of the anime is at this revision. */
  reached(animeId: AnimeId, revision: number): void;
  remove(animeId: AnimeId): void;
}

interface UnconfirmedEventsOptions {
  readonly logger: Logger;
  /** How long to wait for the event store to catch up before a delivered revision counts as invalid. */
  readonly patienceMs: number;
  readonly now: () => number;
}

export const createUnconfirmedEvents = (options: UnconfirmedEventsOptions): UnconfirmedEvents => {
  const { logger, patienceMs, now } = options;
  const unconfirmed = new Map<AnimeId, Unconfirmed>();
  return {
    all: () => unconfirmed,

    add(animeId, revision) {
      const known = unconfirmed.get(animeId);
      if (known === undefined) {
        logger.warn('An event was delivered that its stream does not have yet', {
          animeId,
          revision,
        });
      }
      unconfirmed.set(animeId, {
        revision: Math.max(revision, known?.revision ?? revision),
        since: known?.since ?? now(),
      });
    },

    isOverdue: (animeId, revision) => {
      const known = unconfirmed.get(animeId);
      return known?.revision === revision && now() - known.since >= patienceMs;
    },

    reached(animeId, revision) {
      const known = unconfirmed.get(animeId);
      if (known !== undefined && known.revision <= revision) unconfirmed.delete(animeId);
    },

    remove: (animeId) => void unconfirmed.delete(animeId),
  };
};
