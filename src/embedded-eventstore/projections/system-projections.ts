import type { EventLog } from '../log/event-log.js';
import { type ProjectionEngine, ProjectionError, type ProjectionStatistics } from './engine.js';

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
