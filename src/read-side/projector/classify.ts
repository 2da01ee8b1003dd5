import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { EventStore } from '../../ports/event-store.js';
import type { StreamEvent } from '../../wire/stream-event.js';
import { type CachedAnime, revisionOf } from './cached-anime.js';
import { type Gap, readMissing } from './gap-fill.js';
import type { AddDeadLetter, AlarmKind, Quarantine } from './quarantine.js';
import type { UnconfirmedEvents } from './unconfirmed.js';

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
   * The first event was delivered with a revision that the stream does not have. Nothing waits for it:
   * a gap is only filled from the stream, so a later event or `confirm` brings it in its order.
   */
  const skipUnconfirmed = async (
    cached: CachedAnime,
    [first, ...rest]: readonly IncomingEvent[],
    head: bigint,
  ): Promise<AnimeRun | null> => {
    const { animeId } = cached;
    // An unreadable record already has a dead letter, and its revision proves nothing.
    if (first !== undefined && first.decoded !== null) unconfirmed.add(animeId, first.revision);
    if (first !== undefined && unconfirmed.has(animeId, first.revision)) {
      if (unconfirmed.isOverdue(animeId)) {
        const reason = `Revision ${first.revision} was delivered, but the stream ends at ${head}.`;
        await quarantineAnime(cached, first.revision, reason);
      }
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
