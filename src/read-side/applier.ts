import type { AnimeId } from '../domain/ids.js';
import { UnavailableError } from '../ports/errors.js';
import type { DeadLetters } from '../ports/dead-letters.js';
import type { EventStore } from '../ports/event-store.js';
import type { DocumentBatch, DocumentStore } from '../ports/read-store.js';
import type { Logger } from '../platform/logger.js';
import type { Metrics } from '../platform/metrics.js';
import { createLister } from './dead-letters.js';
import {
  createDocumentCache,
  type AnimeView,
  type CacheSize,
  type Parts,
} from './document-cache.js';
import { foldRun, needsOf } from './fold-run.js';
import { revisionOf, type Claim } from './judge.js';
import { createParkedAnimes } from './parked.js';
import { createTaskMaker, type Task } from './tasks.js';

export interface ApplierOptions {
  readonly documents: DocumentStore;
  readonly eventStore: EventStore;
  readonly deadLetters: DeadLetters;
  readonly logId: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly cacheSize?: CacheSize;
  /** Nothing is stored in this version yet. */
  readonly startsEmpty?: boolean;
  /** Events read at once to heal a hole. */
  readonly healingLimit?: number;
  /** How long a stream may be behind what was delivered of it before that is taken for a lie. */
  readonly patienceMs?: number;
  readonly now?: () => number;
}

export interface Steps {
  heartbeat(): Promise<void>;
  readonly signal: AbortSignal;
}

/** What is still to be applied, per anime, in the order in which it came. */
export type Pending = Map<AnimeId, readonly Claim[]>;

const FRUITLESS_ROUNDS = 20;

/**
 * Brings documents up to the claims made about their streams. It goes in rounds: judge every anime
 * against its document, fold what follows without a hole, save, and judge the rest again. In the
 * common case that is one round. When `apply` resolves, every claim is in saved documents or its
 * anime is parked; when it rejects, applying the same claims again is right.
 */
export const createApplier = (options: ApplierOptions) => {
  const { documents, logger, metrics, now = Date.now } = options;
  const list = createLister(options);
  const parked = createParkedAnimes(logger, metrics);
  const taskOf = createTaskMaker({ ...options, parked, list });
  const cache = createDocumentCache({
    documents,
    startsEmpty: options.startsEmpty ?? false,
    ...(options.cacheSize === undefined ? {} : { size: options.cacheSize }),
  });

  const apply = async (pending: Pending, steps: Steps): Promise<void> => {
    const involved = [...pending.keys()];
    try {
      for (let fruitless = 0; pending.size > 0;) {
        fruitless = (await round(pending, steps)) ? 0 : fruitless + 1;
        if (fruitless > FRUITLESS_ROUNDS) {
          throw new UnavailableError('The documents keep changing under the projector.');
        }
      }
    } catch (error) {
      // A save that failed may have been made: what is cached may be older than what is stored.
      cache.drop(involved);
      throw error;
    }
  };

  /** Answers whether anything was settled. Takes what is settled out of `pending`. */
  const round = async (pending: Pending, steps: Steps): Promise<boolean> => {
    const before = pending.size;
    const tasks: Task[] = [];
    for (const [animeId, view] of await cache.views([...pending.keys()])) {
      const task = await taskOf(view, pending.get(animeId) ?? []);
      if (task === null) pending.delete(animeId);
      else tasks.push(task);
    }
    await go(steps);
    const parts = await cache.parts(tasks.map(({ view, run }) => needsOf(view, run)));
    const sure = await withoutDoubt(tasks, parts);
    if (sure.length === 0) return pending.size < before;
    await go(steps);
    const batch = fold(sure, parts);
    await listSkipped(sure);
    const { refused } = await documents.save(batch);
    if (refused > 0) {
      cache.drop(sure.map(({ view }) => view.animeId));
      return pending.size < before;
    }
    cache.keep(batch, new Map(sure.map(({ view }) => [view.animeId, view])));
    settle(sure, pending);
    return true;
  };

  /**
   * Parts ahead of their anime are either what a crash left, which is right, or the work of another
   * consumer, which may have trimmed histories beyond the anime as we know it: then the anime has
   * moved on in the store. Parts of a later generation mean that somebody began to compute the
   * anime anew: then so do we, from the stream's beginning.
   */
  const withoutDoubt = async (
    tasks: readonly Task[],
    parts: ReadonlyMap<AnimeId, Parts>,
  ): Promise<readonly Task[]> => {
    const sure: Task[] = [];
    for (const task of tasks) {
      const { view } = task;
      const ahead = newestAhead(view, parts.get(view.animeId));
      if (ahead === null) {
        sure.push(task);
        continue;
      }
      const [stored] = await cache.look([view.animeId]);
      if (stored !== undefined && isBefore(view, stored)) cache.replace(stored);
      else if (ahead > view.generation) {
        cache.replace({ ...view, generation: ahead, document: null, lineage: Symbol() });
      } else sure.push(task);
    }
    return sure;
  };

  const fold = (tasks: readonly Task[], parts: ReadonlyMap<AnimeId, Parts>): DocumentBatch => {
    const folded = tasks.map(({ view, run }) =>
      foldRun(view, parts.get(view.animeId) ?? { users: new Map(), days: new Map() }, run),
    );
    return {
      interactions: folded.flatMap(({ interactions }) => interactions),
      days: folded.flatMap(({ days }) => days),
      animes: folded.flatMap(({ anime }) => anime ?? []),
    };
  };

  const settle = (tasks: readonly Task[], pending: Pending): void => {
    let applied = 0;
    let newest = 0;
    for (const { view, run, rest } of tasks) {
      if (rest.length === 0) pending.delete(view.animeId);
      else pending.set(view.animeId, rest);
      applied += run.length;
      newest = Math.max(newest, run.at(-1)?.recordedAt ?? 0);
      parked.release(view.animeId);
    }
    metrics.projectorApplied.inc(applied);
    metrics.projectorLagSeconds.set(Math.max(0, now() - newest) / 1000);
  };

  /** Before the save: once the document has passed the event, nobody would come back to list it. */
  const listSkipped = async (tasks: readonly Task[]): Promise<void> => {
    for (const { run } of tasks) {
      for (const { animeId, revision, decoded } of run) {
        if (decoded.kind === 'malformed') await list(animeId, revision, decoded.reason);
      }
    }
  };

  return { apply, parked: parked.all };
};

/** Between steps: tells the group that we live, and leaves at once if the partition is lost. */
const go = async (steps: Steps): Promise<void> => {
  steps.signal.throwIfAborted();
  await steps.heartbeat();
  steps.signal.throwIfAborted();
};

/** The generation of the parts that are ahead of the anime; null where none is. */
const newestAhead = (view: AnimeView, parts: Parts | undefined): number | null => {
  if (parts === undefined) return null;
  const revision = revisionOf(view);
  let newest: number | null = null;
  for (const documents of [parts.users, parts.days]) {
    for (const part of documents.values()) {
      if (part.generation === view.generation && part.revision <= revision) continue;
      newest = Math.max(newest ?? 0, part.generation);
    }
  }
  return newest;
};

const isBefore = (a: AnimeView, b: AnimeView): boolean =>
  a.generation < b.generation || (a.generation === b.generation && revisionOf(a) < revisionOf(b));
