import type { EventLogLogger } from '../log/event-log.js';
import type { ProjectedLog } from '../log/projection-store.js';
import { type ProjectionEngine, ProjectionError, type ProjectionText } from './engine.js';
import { startFeeding } from './feeding.js';
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
  const stored = store.list().map(recordOfRow);
  let lastRun = store.lastRun();
  let lastId = Math.max(0, ...stored.map(({ id }) => id));
  let closed: Promise<void> | undefined;
  const feeding = startFeeding({ log, logger, projections: () => projections.values() });

  const manage = (record: ProjectionRecord): ManagedProjection => {
    const projection = manageProjection(record, {
      store,
      logger,
      executionTimeoutMs,
      memoryLimitBytes,
      newRun: () => ++lastRun,
      lastPosition: () => Number(log.lastPosition()),
      onIdle: feeding.idle,
    });
    projections.set(record.text.name, projection);
    return projection;
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
  const close = async (): Promise<void> => {
    await stopAll();
    await feeding.stop();
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
