import { randomUUID } from 'node:crypto';
import { within } from '../../../src/platform/async/abort.js';
import { runCommandLine } from '../command-line.js';
import { startServiceProcess, type ServiceProcess } from '../service-process.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { composeParts, PARTS, type Part } from './compose-parts.js';
import { checkHealth } from './health-check.js';
import { removeTraces, type Traces } from './traces.js';

export interface StackAddresses {
  readonly eventStore: string;
  readonly kafka: string;
  readonly mongodb: string;
}

/**
 * The four roles, each in its own process with the command and the variables that the Compose file
 * has for it, on the given servers, on a topic and a database that nobody else has.
 */
export interface FourProcesses {
  readonly topic: string;
  readonly traces: Traces;
  /** What the part's process is configured with. */
  readonly environment: (part: Part) => NodeJS.ProcessEnv;
  commandUrl(): string;
  queryUrl(): string;
  process(part: Part): ServiceProcess;
  /** Starts the parts that do not run. */
  start(parts?: readonly Part[]): Promise<void>;
  /** Ends parts with the signal; resolves with their exit codes. */
  end(parts: readonly Part[], signal: NodeJS.Signals): Promise<readonly (number | null)[]>;
  /** Another process of the same part. */
  second(part: Part): Promise<ServiceProcess>;
  /** The exit code of the Compose file's check of the part, or of the same check of another path. */
  checkHealth(part: Part, path?: string): Promise<number>;
  /** A job of the command line beside the running service. */
  job(...args: string[]): ReturnType<typeof runCommandLine>;
  /** Ends whatever still runs, and removes what the servers keep of it. May be called twice. */
  stop(): Promise<void>;
}

const STOPPED_WITHIN_MS = 5_000;

/**
 * Nothing is started yet. The settings are those of a shell in which the stack is started; a part may have
 * its own beside them.
 */
export const fourProcesses = async (
  { eventStore, kafka, mongodb }: StackAddresses,
  settings: NodeJS.ProcessEnv = {},
  settingsOf: Partial<Record<Part, NodeJS.ProcessEnv>> = {},
): Promise<FourProcesses> => {
  const topic = `test-${randomUUID().slice(0, 8)}`;
  const database = topic.replaceAll('-', '_');
  const traces = { kafka, mongodb, topic, database };
  const directory = await temporaryDirectory();
  const running = new Map<Part, ServiceProcess>();
  const started = new Set<ServiceProcess>();

  const partOf = await composeParts({
    outside: { LOG_LEVEL: 'error', ...settings },
    instead: {
      HOST: '127.0.0.1',
      EVENTSTORE_URL: eventStore,
      KAFKA_BROKERS: kafka,
      MONGODB_URL: mongodb,
    },
  });
  const names = { KAFKA_TOPIC: topic, KAFKA_GROUP: topic, MONGODB_DATABASE: database };
  const environment = (part: Part): NodeJS.ProcessEnv => ({
    ...partOf(part).environment,
    ...names,
    ...settings,
    ...settingsOf[part],
  });

  const open = async (part: Part): Promise<ServiceProcess> => {
    const dataDir = `${directory.path}/${part}`;
    const { args } = partOf(part);
    const service = await startServiceProcess({ dataDir, environment: environment(part), args });
    started.add(service);
    return service;
  };

  const find = (part: Part): ServiceProcess => {
    const found = running.get(part);
    if (found === undefined) throw new Error(`The ${part} does not run.`);
    return found;
  };

  const stop = async (): Promise<void> => {
    // Members that say goodbye leave groups that can be deleted at once.
    await Promise.all([...started].map(endSoon));
    running.clear();
    await removeTraces(traces);
    await directory.remove();
  };
  let stopped: Promise<void> | undefined;

  return {
    topic,
    traces,
    environment,
    process: find,
    commandUrl: () => find('command-api').commandUrl,
    queryUrl: () => find('query-api').queryUrl,
    start: async (parts = PARTS) => {
      const missing = parts.filter((part) => !running.has(part));
      await Promise.all(missing.map(async (part) => running.set(part, await open(part))));
    },
    end: (parts, signal) =>
      Promise.all(
        parts.map(async (part) => {
          const code = await find(part).end(signal);
          running.delete(part);
          return code;
        }),
      ),
    second: open,
    checkHealth: (part, path) => checkHealth(part, partOf(part), find(part), path),
    job: (...args) => {
      const dataDir = `${directory.path}/job`;
      return runCommandLine(args, { ...environment('projector'), DATA_DIR: dataDir });
    },
    stop: () => (stopped ??= stop()),
  };
};

const endSoon = async (service: ServiceProcess): Promise<void> => {
  const late = () => new Error('It did not end in time.');
  await within(STOPPED_WITHIN_MS, service.end('SIGTERM'), late).catch(() => service.end('SIGKILL'));
};
