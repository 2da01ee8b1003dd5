import type { AnimeId } from '../../domain/ids.js';
import { createExclusion } from '../../platform/async/exclusion.js';
import { chunksOf } from '../../platform/async/pages.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { DeadLetters } from '../../ports/dead-letters.js';
import { UnavailableError } from '../../ports/errors.js';
import type { EventStore } from '../../ports/event-store.js';
import type { DocumentBatch, DocumentStore, Guarded } from '../../ports/read-store.js';
import type { EventPlace } from '../../wire/presence.js';
import { whyUnreadable } from '../../wire/upcast.js';
import { emptyAnime } from '../rebuild/replay.js';
import { createAheadOfLog } from './ahead-of-log.js';
import {
  type AnimeRun,
  createFindRun,
  createUnconfirmedEvents,
  type IncomingEvent,
} from './classify.js';
import { createAddDeadLetter, createQuarantine, createSkippedEvents } from './quarantine.js';
import { createDocumentCache, type DocumentCache } from './document-cache.js';
import {
  type CachedAnime,
  cachedAnimeOf,
  type FoldedRun,
  foldRun,
  isOlder,
  revisionOf,
} from './fold.js';

export interface ApplierOptions {
  readonly documents: DocumentStore;
  readonly eventStore: EventStore;
  readonly deadLetters: DeadLetters;
  readonly logId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The version of the read models, for the metrics. */
  readonly version: string;
  /** The total number of cached documents of all kinds. */
  readonly cachedDocuments?: number;
  /** This version has no documents yet. */
  readonly startsEmpty?: boolean;
  /** The maximum number of events read at once to fill a gap. */
  readonly gapFillLimit?: number;
  /** How long to wait for the event store to catch up before a delivered revision counts as invalid. */
  readonly patienceMs?: number;
  readonly now?: () => number;
}

export interface Steps {
  heartbeat(): Promise<void>;
  readonly signal: AbortSignal;
}

/** Events to apply, per anime, in order of arrival. */
export type PendingEvents = Map<AnimeId, readonly IncomingEvent[]>;

/** Work that no batch asked for: there is no consumer group to tell that we are alive. */
const WITHOUT_GROUP = { heartbeat: () => Promise.resolve() };

const MAX_IDLE_ROUNDS = 20;

/**
 * Applies incoming events to the documents, in rounds: classify every anime's events against its
 * document, fold those that follow without a gap, save, and classify the rest again. Usually one
 * round is enough. Calls that share an anime take turns. When `apply` resolves, every event is in saved documents, or its anime is
 * quarantined or unconfirmed. When it rejects, apply the same events again.
 */
export const createApplier = (options: ApplierOptions) => {
  const { documents, version, logger, metrics, now = Date.now } = options;
  const addDeadLetter = createAddDeadLetter(options);
  const quarantine = createQuarantine(logger, metrics);
  const skippedEvents = createSkippedEvents();
  const { patienceMs = 30_000, now: monotonic = () => performance.now() } = options;
  const unconfirmed = createUnconfirmedEvents({ logger, patienceMs, now: monotonic });
  const findRun = createFindRun({ ...options, quarantine, unconfirmed, addDeadLetter });
  const { cachedDocuments: maxDocuments = 20_000, startsEmpty = false } = options;
  const cache = createDocumentCache({ documents, maxDocuments, startsEmpty });
  const ahead = createAheadOfLog({ ...options, cache, monotonic });
  let lastApplied: EventPlace | null = null;
  const exclusive = createExclusion<AnimeId>();

  const apply = (pending: PendingEvents, steps: Steps): Promise<void> =>
    exclusive([...pending.keys()], () => applyExclusively(pending, steps));

  const applyExclusively = async (pending: PendingEvents, steps: Steps): Promise<void> => {
    try {
      for (let idleRounds = 0; pending.size > 0;) {
        idleRounds = (await round(pending, steps)) ? 0 : idleRounds + 1;
        if (idleRounds > MAX_IDLE_ROUNDS) {
          throw new UnavailableError(
            'Another writer keeps changing the documents of the projector.',
          );
        }
      }
    } catch (error) {
      // A save that failed may have been written: the cache may be older than the store.
      cache.drop(pending.keys());
      throw error;
    }
  };

  /** Removes settled events from `pending`; returns whether documents were saved. */
  const round = async (pending: PendingEvents, steps: Steps): Promise<boolean> => {
    const tasks: AnimeRun[] = [];
    const cachedAnime = await cache.cachedAnime([...pending.keys()]);
    for (const { cached, incoming } of await mapInChunks(cachedAnime, (each) =>
      ahead.check(each, pending.get(each.animeId) ?? []),
    )) {
      const { animeId } = cached;
      pending.set(animeId, incoming);
      const task = await findRun(cached, incoming);
      if (task === null) {
        pending.delete(animeId);
        ahead.settled(animeId);
      } else tasks.push(task);
    }
    await heartbeat(steps);
    const upToDate = await withoutStale({ cache, documents }, tasks, await cache.load(tasks));
    await heartbeat(steps);
    const folded = upToDate.map((task) => ({ task, ...foldRun(task.cached, task.run) }));
    if (folded.length === 0) return false;
    for (const { unreadable } of folded) {
      // Before the save: once the document is past the event, nothing would add the dead letter.
      for (const { animeId, revision, decoded } of unreadable) {
        await addDeadLetter(animeId, revision, `${decoded.type}: ${whyUnreadable(decoded)}`);
      }
    }
    const batch = batchOf(folded);
    const { refused } = await documents.save(batch);
    metrics.projectorDocuments.inc(documentCount(batch));
    if (refused > 0) {
      cache.drop(folded.map(({ anime }) => anime.animeId));
      return false;
    }
    for (const each of folded) {
      cache.keep(each.task.cached, each);
      skippedEvents.note(each.anime);
    }
    settle(
      folded.map(({ task }) => task),
      pending,
    );
    return true;
  };

  const settle = (tasks: readonly AnimeRun[], pending: PendingEvents): void => {
    let applied = 0;
    let newest = 0;
    const savedAt = now();
    for (const { cached, run, rest } of tasks) {
      if (rest.length === 0) {
        pending.delete(cached.animeId);
        ahead.settled(cached.animeId);
      } else pending.set(cached.animeId, rest);
      applied += run.length;
      const [oldest] = run;
      if (oldest !== undefined) {
        metrics.freshness.observe({ version }, ageOf(oldest.recordedAt, savedAt));
      }
      lastApplied = run.at(-1) ?? lastApplied;
      newest = Math.max(newest, run.at(-1)?.recordedAt ?? 0);
      quarantine.release(cached.animeId);
    }
    metrics.projectorApplied.inc(applied);
    metrics.projectorLagSeconds.set({ version }, ageOf(newest, savedAt));
  };

  /** Reads an anime from the store instead of the cache and brings it up to this revision. */
  const recheck = (animeId: AnimeId, revision: number, signal: AbortSignal): Promise<void> =>
    exclusive([animeId], async () => {
      cache.drop([animeId]);
      ahead.suspect(animeId);
      const pending: PendingEvents = new Map([[animeId, [{ revision, decoded: null }]]]);
      await applyExclusively(pending, { ...WITHOUT_GROUP, signal });
      if (quarantine.get(animeId)?.kind !== 'quarantined' || revision < 0) return;
      const [cached] = await cache.cachedAnime([animeId]);
      // Up to the stream's end: what was delivered beyond it was no event of this log.
      if (cached !== undefined && revisionOf(cached) >= revision) quarantine.release(animeId);
    });

  /** Applies what was unconfirmed and is in its stream by now, and quarantines what is overdue. */
  const confirm = async (signal: AbortSignal): Promise<void> => {
    for (const [animeId, { revision }] of [...unconfirmed.all()]) {
      signal.throwIfAborted();
      const pending: PendingEvents = new Map([[animeId, [{ revision, decoded: null }]]]);
      await apply(pending, { ...WITHOUT_GROUP, signal });
    }
  };

  return {
    apply,
    recheck,
    confirm,
    unconfirmed: unconfirmed.all,
    quarantine: quarantine.all,
    skippedEvents,
    ahead: ahead.all,
    lastApplied: () => lastApplied,
  };
};

/** The event store's clock may be ahead of ours. */
const ageOf = (recordedAt: number, now: number): number => Math.max(0, now - recordedAt) / 1000;

const batchOf = (folded: readonly FoldedRun[]): DocumentBatch => ({
  interactions: folded.flatMap(({ interactions }) => interactions),
  days: folded.flatMap(({ days }) => days),
  animes: folded.map(({ anime }) => anime),
});

const documentCount = ({ interactions, days, animes }: DocumentBatch): number =>
  interactions.length + days.length + animes.length;

const CHECKED_AT_ONCE = 16;

const mapInChunks = async <Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> => {
  const results: Result[] = [];
  for await (const chunk of chunksOf(items, CHECKED_AT_ONCE)) {
    results.push(...(await Promise.all(chunk.map(work))));
  }
  return results;
};

/** Tells the consumer group between steps that we are alive; throws if the partition was lost. */
const heartbeat = async (steps: Steps): Promise<void> => {
  steps.signal.throwIfAborted();
  await steps.heartbeat();
  steps.signal.throwIfAborted();
};

/**
 * Parts ahead of their anime were left by a crash, which is fine, or saved by another consumer, which
 * may have trimmed ratings beyond the anime as cached here: then the stored anime is newer. Parts of
 * a later generation mean that a recomputation began: continue it from the stream's beginning.
 */
const withoutStale = async (
  { cache, documents }: { readonly cache: DocumentCache; readonly documents: DocumentStore },
  tasks: readonly AnimeRun[],
  loaded: ReadonlyMap<CachedAnime, readonly Guarded[]>,
): Promise<readonly AnimeRun[]> => {
  const upToDate: AnimeRun[] = [];
  for (const task of tasks) {
    const { cached } = task;
    const ahead = newestAhead(cached, loaded.get(cached) ?? []);
    if (ahead === null) {
      upToDate.push(task);
      continue;
    }
    const [stored] = await cache.look([cached.animeId]);
    if (stored !== undefined && isOlder(cached, stored)) cache.replace(stored);
    else if (ahead > cached.generation) {
      const empty = emptyAnime(cached.animeId, ahead);
      await documents.save({ interactions: [], days: [], animes: [empty] });
      cache.replace(cachedAnimeOf(cached.animeId, ahead, empty));
    } else upToDate.push(task);
  }
  return upToDate;
};

/** The newest generation of the parts ahead of the anime; null if there are none. */
const newestAhead = (cached: CachedAnime, parts: readonly Guarded[]): number | null => {
  const ahead = parts.filter(
    ({ generation, revision }) => generation > cached.generation || revision > revisionOf(cached),
  );
  return ahead.length === 0 ? null : Math.max(...ahead.map(({ generation }) => generation));
};
