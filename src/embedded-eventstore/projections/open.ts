import { setTimeout as delay } from 'node:timers/promises';
import type { EventLog, EventLogLogger } from '../log/event-log.js';
import { isLinkStream } from '../log/link-rules.js';
import type { ProjectedLog } from '../log/projection-store.js';
import {
  type ProjectionEngine,
  ProjectionError,
  type ProjectionStatistics,
  type ProjectionText,
} from './engine.js';
import { type ManagedProjection, manageProjection } from './managed-projection.js';
import { NOTHING_READ, type ProjectionRecord, putOf, recordOfRow } from './protocol.js';

export interface ProjectionEngineOptions {
  readonly log: ProjectedLog;
  readonly logger: EventLogLogger;
  /** How long a projection may take for one event. */
  readonly executionTimeoutMs?: number;
  /** How much memory one projection's sandbox may use. */
  readonly memoryLimitBytes?: number;
}

const EXECUTION_TIMEOUT_MS = 250;
const MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;
/** A busy log is read in larger pieces: each feed wakes every projection, and emitted events cause the next one. */
const FEED_AFTER_MS = 50;
const FEED_EVERY_MS = 250;

/** Opens the projections of a log and starts those that are enabled. */
export const openProjectionEngine = async (
  options: ProjectionEngineOptions,
): Promise<ProjectionEngine> => {
  const { log, logger } = options;
  const { executionTimeoutMs = EXECUTION_TIMEOUT_MS, memoryLimitBytes = MEMORY_LIMIT_BYTES } =
    options;
  const store = log.projections;
  const projections = new Map<string, ManagedProjection>();
  const creating = new Set<string>();
  const closing = new AbortController();
  const stored = store.list().map(recordOfRow);
  let lastRun = store.lastRun();
  let lastId = Math.max(0, ...stored.map(({ id }) => id));
  let feeding: Promise<void> | undefined;
  let fedAt = -Infinity;
  let closed: Promise<void> | undefined;

  const manage = (record: ProjectionRecord): ManagedProjection => {
    const projection = manageProjection(record, {
      store,
      logger,
      executionTimeoutMs,
      memoryLimitBytes,
      newRun: () => ++lastRun,
      lastPosition: () => Number(log.lastPosition()),
      onIdle: () => void feed(),
    });
    projections.set(record.text.name, projection);
    return projection;
  };

  /** Tells the waiting projections how far they may read. */
  const feedOnce = async (): Promise<void> => {
    const upTo = Number(log.lastPosition());
    const waiting = [...projections.values()].filter((projection) => {
      const wait = projection.waiting();
      return wait !== undefined && wait.upTo < upTo;
    });
    const readsLinks = waiting.some((projection) =>
      projection.waiting()?.sources.streams.some(isLinkStream),
    );
    if (readsLinks) await log.indexLinks();
    for (const projection of waiting) {
      if (projection.waiting() !== undefined) projection.advance(upTo);
    }
  };

  const feed = (): Promise<void> => {
    feeding ??= (async () => {
      try {
        const wait = Math.max(FEED_AFTER_MS, fedAt + FEED_EVERY_MS - performance.now());
        await delay(wait, undefined, { signal: closing.signal });
        fedAt = performance.now();
        feeding = undefined;
        await feedOnce();
      } catch (error) {
        feeding = undefined;
        if (closing.signal.aborted) return;
        logger.warn('new events could not be passed to projections', { error });
      }
    })();
    return feeding;
  };

  const follow = async (): Promise<void> => {
    let seen = -1n;
    const isOpen = (): boolean => !closing.signal.aborted;
    while (isOpen()) {
      await store.nextCommit(closing.signal);
      if (!isOpen()) return;
      const position = log.lastPosition();
      if (position === seen) continue;
      seen = position;
      await feed();
    }
  };

  const assertOpen = (): void => {
    if (closed !== undefined) throw new ProjectionError('closed', 'The projections are closed.');
  };

  const find = (name: string): ManagedProjection => {
    assertOpen();
    const found = projections.get(name);
    if (found === undefined) {
      throw new ProjectionError('not-found', `There is no projection '${name}'.`);
    }
    return found;
  };

  const create = async (text: ProjectionText): Promise<void> => {
    assertOpen();
    const { name } = text;
    if (name.trim() === '') throw new ProjectionError('refused', 'A projection needs a name.');
    if (projections.has(name) || creating.has(name)) {
      throw new ProjectionError('conflict', `A projection '${name}' already exists.`);
    }
    creating.add(name);
    try {
      const record: ProjectionRecord = {
        id: ++lastId,
        run: ++lastRun,
        text,
        enabled: true,
        version: 1,
        epoch: -1,
        fault: null,
        condition: 'idle',
        checkpoint: NOTHING_READ,
      };
      await store.commit([putOf(record)], []);
      manage(record).start();
    } finally {
      creating.delete(name);
    }
  };

  const stopAll = (): Promise<unknown> =>
    Promise.allSettled([...projections.values()].map((projection) => projection.stop(true)));

  const deleteStreams = async (streams: readonly string[]): Promise<void> => {
    for (const stream of streams) await log.softDelete(stream, 'any');
  };

  for (const record of stored) {
    if (record.text.mode === 'transient') {
      await store.commit([{ kind: 'remove', id: record.id }], []);
      continue;
    }
    // The cause of the fault may be gone, or this version may support what an older one did not.
    const mended = record.condition === 'faulted' || record.condition === 'invalid';
    manage(mended ? { ...record, condition: 'idle', fault: null } : record).start();
  }
  store.sweep();
  const following = follow().catch((error: unknown) => {
    if (!closing.signal.aborted) logger.warn('projections stopped receiving new events', { error });
  });

  const close = async (): Promise<void> => {
    await stopAll();
    closing.abort();
    await following;
  };

  return {
    create,
    update: async (name, query, emitEnabled) => find(name).update(query, emitEnabled),
    delete: async (name, also) => {
      const projection = find(name);
      const { id } = projection.record();
      const streams = also.emittedStreams ? store.streamsOf(id) : [];
      await projection.remove();
      projections.delete(name);
      await deleteStreams(streams);
    },
    enable: async (name) => find(name).enable(),
    disable: async (name, writeCheckpoint) => find(name).disable(writeCheckpoint),
    reset: async (name) => find(name).reset(),
    state: async (name, partition) => (await find(name).state(partition))?.[0] ?? undefined,
    result: async (name, partition) => {
      const [state, result] = (await find(name).state(partition)) ?? [null, null];
      return (result === SAME ? state : result) ?? undefined;
    },
    statistics: () => {
      assertOpen();
      return [...projections.values()].map((projection) => projection.statistics());
    },
    restart: async () => {
      assertOpen();
      await stopAll();
      for (const projection of projections.values()) projection.start();
    },
    close: () => (closed ??= close()),
  };
};

/** Stored as the result where it equals the state. */
const SAME = '=';

/** Always indexed by the node. */
const ALWAYS_RUNNING = ['$by_category', '$by_event_type'] as const;

type SystemLog = Pick<EventLog, 'optionalLinks' | 'turnLinks' | 'lastPosition'>;

/**
 * Adds EventStoreDB's five system projections to an engine. They run no code here: the log derives their
 * link streams. Two are always on; the others can be enabled and disabled.
 */
export const withSystemProjections = (
  engine: ProjectionEngine,
  log: SystemLog,
): ProjectionEngine => {
  const isOptional = (name: string): boolean => log.optionalLinks().has(name);
  const isSystem = (name: string): boolean =>
    (ALWAYS_RUNNING as readonly string[]).includes(name) || isOptional(name);

  /** For calls that system projections do not support. */
  const onlyUsers =
    <A extends unknown[], R>(call: (name: string, ...args: A) => Promise<R>) =>
    async (name: string, ...args: A): Promise<R> => {
      if (isSystem(name)) throw refused(name, 'it can only be enabled or disabled');
      return await call(name, ...args);
    };

  /** A system projection has no state of its own. */
  const stateless =
    (call: (name: string, partition: string) => Promise<string | undefined>) =>
    async (name: string, partition: string): Promise<string | undefined> =>
      isSystem(name) ? undefined : await call(name, partition);

  const systems = (): readonly ProjectionStatistics[] => {
    const position = log.lastPosition().toString();
    return [...ALWAYS_RUNNING.map((name) => [name, true] as const), ...log.optionalLinks()].map(
      ([name, on]) => systemStatistics(name, on, position),
    );
  };

  return {
    create: async (text) => {
      if (isSystem(text.name)) throw new ProjectionError('conflict', `${text.name} exists.`);
      await engine.create(text);
    },
    update: onlyUsers((...given) => engine.update(...given)),
    delete: onlyUsers((...given) => engine.delete(...given)),
    reset: onlyUsers((...given) => engine.reset(...given)),
    enable: async (name) => {
      if (isOptional(name)) await log.turnLinks(name, true);
      else if (!isSystem(name)) await engine.enable(name);
    },
    disable: async (name, writeCheckpoint) => {
      if (isOptional(name)) await log.turnLinks(name, false);
      else if (isSystem(name)) throw refused(name, 'the node always keeps its links');
      else await engine.disable(name, writeCheckpoint);
    },
    state: stateless((...given) => engine.state(...given)),
    result: stateless((...given) => engine.result(...given)),
    statistics: () => [...systems(), ...engine.statistics()],
    restart: () => engine.restart(),
    close: () => engine.close(),
  };
};

const refused = (name: string, why: string): ProjectionError =>
  new ProjectionError('refused', `${name} is a projection of the node: ${why}.`);

/** Each read of a link stream first brings it up to date, so it is never behind. */
const systemStatistics = (name: string, on: boolean, position: string): ProjectionStatistics => ({
  name,
  effectiveName: name,
  mode: 'Continuous',
  status: on ? 'Running' : 'Stopped',
  stateReason: '',
  checkpointStatus: '',
  progress: on ? 100 : 0,
  position: on ? `C:${position}/P:${position}` : '',
  lastCheckpoint: '',
  eventsProcessedAfterRestart: 0,
  coreProcessingTime: 0,
  version: 0,
  epoch: 0,
  readsInProgress: 0,
  writesInProgress: 0,
  partitionsCached: 0,
  bufferedEvents: 0,
  writePendingEventsBeforeCheckpoint: 0,
  writePendingEventsAfterCheckpoint: 0,
});
