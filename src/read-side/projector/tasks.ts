import type { AnimeId } from '../../domain/ids.js';
import { UnavailableError } from '../../ports/errors.js';
import type { EventStore } from '../../ports/event-store.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { StreamEvent } from '../../wire/stream-event.js';
import type { CachedAnime } from './cached-anime.js';
import type { AddDeadLetter } from './dead-letters.js';
import { readMissing, type Gap } from './gap-fill.js';
import { classify, type IncomingEvent } from './classify.js';
import type { AlarmKind, Quarantine } from './quarantine.js';

export interface NextRunOptions {
  readonly eventStore: EventStore;
  readonly logId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly quarantine: Quarantine;
  readonly list: AddDeadLetter;
  /** Events read at once to fill a gap. */
  readonly gapFillLimit?: number;
  /** How long a stream may be behind what was delivered of it before that is taken for a lie. */
  readonly patienceMs?: number;
  readonly now?: () => number;
}

/** What can be done for one anime now: fold a run that follows its document without a gap. */
export interface AnimeRun {
  readonly cached: CachedAnime;
  readonly run: readonly StreamEvent[];
  /** To be judged again once the run is saved. */
  readonly rest: readonly IncomingEvent[];
}

/** Finds the task of an anime; null where there is nothing to be done for it. */
export type FindRun = (
  cached: CachedAnime,
  incoming: readonly IncomingEvent[],
) => Promise<AnimeRun | null>;

export const createFindRun = (options: NextRunOptions): FindRun => {
  const { eventStore, logId, logger, metrics, quarantine, list } = options;
  const { gapFillLimit = 1_000, patienceMs = 30_000, now = Date.now } = options;
  const behindSince = new Map<AnimeId, number>();

  const taskOf: FindRun = async (cached, incoming) => {
    const { animeId, generation } = cached;
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
        logger.warn('A gap is filled from the event store', { animeId, ...gap });
      }
      return { cached, run: filled.events, rest };
    }
    if (filled.kind === 'lost') return await quarantineAnime(cached, gap.from, filled.reason);
    return await withoutClaim(cached, rest, filled.head);
  };

  /** The first event is said to be at a revision that the stream does not have. */
  const withoutClaim = async (
    cached: CachedAnime,
    [first, ...rest]: readonly IncomingEvent[],
    head: bigint,
  ): Promise<AnimeRun | null> => {
    const { animeId } = cached;
    // A record that could not be read is listed already, and was not believed anyway.
    if (first !== undefined && first.decoded !== null) {
      const since = behindSince.get(animeId) ?? now();
      behindSince.set(animeId, since);
      if (now() - since < patienceMs) {
        throw new UnavailableError('The event store is behind what was delivered of a stream.', {
          context: { animeId, head: head.toString(), delivered: first.revision },
        });
      }
      const reason = `Revision ${first.revision} was delivered, but the stream ends at ${head}.`;
      await quarantineAnime(cached, first.revision, reason);
    }
    behindSince.delete(animeId);
    return await taskOf(cached, rest);
  };

  const refuseConflicting = (cached: CachedAnime, { revision }: StreamEvent): Promise<null> =>
    quarantineAnime(
      cached,
      revision,
      `The documents hold another event at revision ${revision} than the log: they were computed from another log. Compute them again from this one.`,
      'another-log',
    );

  const quarantineAnime = async (
    { animeId, generation }: CachedAnime,
    revision: number,
    reason: string,
    kind: AlarmKind = 'quarantined',
  ): Promise<null> => {
    if (quarantine.isNews(animeId, kind, generation)) {
      // Listed first: an alarm that was raised is not raised again, were the letter refused.
      await list(animeId, revision, reason);
      quarantine.add(animeId, { kind, generation, reason });
    }
    return null;
  };

  return taskOf;
};
