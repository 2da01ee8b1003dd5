import type { AnimeId } from '../../domain/ids.js';
import { UnavailableError } from '../../ports/errors.js';
import type { EventStore } from '../../ports/event-store.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { StreamEvent } from '../../wire/stream-event.js';
import type { AnimeView } from './cached-anime.js';
import type { Lister } from './dead-letters.js';
import { readHole, type Gap } from './gap-fill.js';
import { judge, type Claim } from './classify.js';
import type { AlarmKind, ParkedAnimes } from './quarantine.js';

export interface TaskOptions {
  readonly eventStore: EventStore;
  readonly logId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly parked: ParkedAnimes;
  readonly list: Lister;
  /** Events read at once to heal a hole. */
  readonly healingLimit?: number;
  /** How long a stream may be behind what was delivered of it before that is taken for a lie. */
  readonly patienceMs?: number;
  readonly now?: () => number;
}

/** What can be done for one anime now: fold a run that follows its document without a hole. */
export interface Task {
  readonly view: AnimeView;
  readonly run: readonly StreamEvent[];
  /** To be judged again once the run is saved. */
  readonly rest: readonly Claim[];
}

/** Finds the task of an anime; null where there is nothing to be done for it. */
export type TaskMaker = (view: AnimeView, claims: readonly Claim[]) => Promise<Task | null>;

export const createTaskMaker = (options: TaskOptions): TaskMaker => {
  const { eventStore, logId, logger, metrics, parked, list } = options;
  const { healingLimit = 1_000, patienceMs = 30_000, now = Date.now } = options;
  const behindSince = new Map<AnimeId, number>();

  const taskOf: TaskMaker = async (view, claims) => {
    const { animeId, generation } = view;
    const why = parked.get(animeId);
    if (why?.kind === 'another-log' && why.generation === generation) return null;
    const verdict = judge(view, claims);
    metrics.projectorDuplicates.inc(verdict.duplicates);
    if (verdict.impostor !== null) return await refuseImpostor(view, verdict.impostor);
    if (verdict.run.length > 0) return { view, run: verdict.run, rest: verdict.rest };
    return verdict.hole === null ? null : await heal(view, verdict.rest, verdict.hole);
  };

  const heal = async (view: AnimeView, rest: readonly Claim[], hole: Gap): Promise<Task | null> => {
    const { animeId } = view;
    const healed = await readHole(eventStore, logId, animeId, hole, healingLimit);
    if (healed.kind === 'events') {
      if (healed.events.at(-1)?.revision === hole.to) {
        metrics.projectorGaps.inc();
        logger.warn('A hole is healed from the event store', { animeId, ...hole });
      }
      return { view, run: healed.events, rest };
    }
    if (healed.kind === 'lost') return await park(view, hole.from, healed.reason);
    return await withoutClaim(view, rest, healed.head);
  };

  /** The first claim is about a revision that the stream does not have. */
  const withoutClaim = async (
    view: AnimeView,
    [first, ...rest]: readonly Claim[],
    head: bigint,
  ): Promise<Task | null> => {
    const { animeId } = view;
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
      await park(view, first.revision, reason);
    }
    behindSince.delete(animeId);
    return await taskOf(view, rest);
  };

  const refuseImpostor = (view: AnimeView, { revision }: StreamEvent): Promise<null> =>
    park(
      view,
      revision,
      `The documents hold another event at revision ${revision} than the log: they were computed from another log. Compute them again from this one.`,
      'another-log',
    );

  const park = async (
    { animeId, generation }: AnimeView,
    revision: number,
    reason: string,
    kind: AlarmKind = 'parked',
  ): Promise<null> => {
    if (parked.isNews(animeId, kind, generation)) {
      // Listed first: an alarm that was raised is not raised again, were the letter refused.
      await list(animeId, revision, reason);
      parked.park(animeId, { kind, generation, reason });
    }
    return null;
  };

  return taskOf;
};
