import type { RecordedEvent } from '../../../src/ports/event-store.js';
import type { ProjectionDefinition, ProjectionStatus } from '../../../src/ports/projections.js';
import { loadProjection, type RunnableProjection, type SourceEvent } from './runnable.js';

export interface EngineOptions {
  /** What 24.10 does by default: an event that says it is JSON and is not is never handed on. */
  readonly validates?: boolean;
}

interface Running {
  definition: ProjectionDefinition;
  runnable: RunnableProjection;
  next: number;
  enabled: boolean;
  fault: string;
}

interface Stored extends SourceEvent {
  /** The projection that emitted it, or none. */
  readonly by: string | null;
  /** A projection that was reset emits anew, and what it emitted before is cut off. */
  hidden: boolean;
}

/**
 * As much of the server's projection engine as the port speaks of: continuous projections over one
 * log, whose emitted events go into the log, in order. An error of a projection faults it for good.
 */
export const projectionEngine = ({ validates = true }: EngineOptions = {}) => {
  const log: Stored[] = [];
  const heads = new Map<string, number>();
  const projections = new Map<string, Running>();

  const append = (event: Omit<SourceEvent, 'sequenceNumber'>, by: string | null = null): void => {
    const sequenceNumber = (heads.get(event.streamId) ?? -1) + 1;
    heads.set(event.streamId, sequenceNumber);
    log.push({ ...event, sequenceNumber, by, hidden: false });
  };

  const isHandedOn = ({ hidden, isJson, data }: Stored): boolean => {
    if (hidden) return false;
    if (!isJson || !validates) return true;
    try {
      JSON.parse(data);
      return true;
    } catch {
      return false;
    }
  };

  const step = (running: Running): void => {
    const event = log[running.next];
    if (event === undefined) return;
    if (!isHandedOn(event)) {
      running.next += 1;
      return;
    }
    const { name, emit } = running.definition;
    try {
      const emitted = running.runnable.take(event);
      if (emitted.length > 0 && !emit) throw new Error("'emit' is not allowed");
      for (const { streamId, eventName, body, isJson } of emitted) {
        append({ streamId, eventType: eventName, data: body, isJson }, name);
      }
      running.next += 1;
    } catch (error) {
      running.fault = error instanceof Error ? error.message : String(error);
    }
  };

  const canGoOn = ({ enabled, fault, next }: Running): boolean =>
    enabled && fault === '' && next < log.length;

  const named = (name: string): Running => {
    const running = projections.get(name);
    if (running === undefined) throw new Error(`There is no projection ${name}.`);
    return running;
  };

  const load = (definition: ProjectionDefinition): Running => {
    const runnable = loadProjection(definition.query);
    return { definition, runnable, next: 0, enabled: true, fault: '' };
  };

  /** Until nothing is left to do. */
  const run = (): void => {
    for (;;) {
      const ready = [...projections.values()].filter(canGoOn);
      if (ready.length === 0) return;
      for (const running of ready) step(running);
    }
  };

  return {
    log: log as readonly SourceEvent[],
    append: (event: Omit<SourceEvent, 'sequenceNumber'>) => append(event),
    /** Events of a log, which keep their revisions. */
    follow: (events: readonly RecordedEvent[]): void => {
      for (const { stream, type, data, isJson } of events) {
        append({ streamId: stream, eventType: type, data: Buffer.from(data).toString(), isJson });
      }
    },
    has: (name: string): boolean => projections.has(name),
    create: (definition: ProjectionDefinition): void => {
      projections.set(definition.name, load(definition));
    },
    /** One that is enabled goes on with the new text at once, long before a reset can come. */
    update: (definition: ProjectionDefinition): void => {
      run();
      const running = named(definition.name);
      running.runnable = running.runnable.takeOver(definition.query);
      running.definition = definition;
      running.fault = '';
      run();
    },
    reset: (name: string): void => {
      for (const event of log) event.hidden ||= event.by === name;
      const { definition, enabled } = named(name);
      projections.set(name, { ...load(definition), enabled });
    },
    enable: (name: string): void => {
      Object.assign(named(name), { enabled: true, fault: '' });
    },
    /** As a step would that the server finds too slow. */
    fail: (name: string, reason: string): void => {
      named(name).fault = reason;
    },
    disable: (name: string): void => {
      named(name).enabled = false;
    },
    run,
    stateOf: (name: string, partition: string): unknown =>
      projections.get(name)?.runnable.stateOf(partition) ?? null,
    partitions: (name: string): readonly string[] => named(name).runnable.partitions(),
    statuses: (): readonly ProjectionStatus[] =>
      [...projections.values()].map(({ definition, next, enabled, fault }) => {
        const condition = fault !== '' ? 'faulted' : enabled ? 'running' : 'stopped';
        const status = `${condition.charAt(0).toUpperCase()}${condition.slice(1)}`;
        const progress = log.length === 0 ? 100 : (100 * next) / log.length;
        const { name } = definition;
        const timedOut = fault.includes('took too long');
        return {
          name,
          condition,
          status,
          reason: fault,
          timedOut,
          progress,
          position: String(next),
        };
      }),
  };
};

export type EngineModel = ReturnType<typeof projectionEngine>;
