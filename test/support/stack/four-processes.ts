import { randomUUID } from 'node:crypto';
import type { Role } from '../../../src/cli.js';
import { runCommandLine } from '../command-line.js';
import { startServiceProcess, type ServiceProcess } from '../service-process.js';
import { temporaryDirectory } from '../temporary-directory.js';

export type Part = Exclude<Role, 'all'>;

/** In the order in which they are started; any other works too. */
export const PARTS: readonly Part[] = ['command-api', 'bridge', 'projector', 'query-api'];

export interface StackAddresses {
  readonly eventStore: string;
  readonly kafka: string;
  readonly mongodb: string;
}

/** The four roles, each in its own process, on a topic and a database that nobody else has. */
export interface FourProcesses {
  readonly topic: string;
  /** What every process of this service is configured with. */
  readonly environment: NodeJS.ProcessEnv;
  commandUrl(): string;
  queryUrl(): string;
  process(part: Part): ServiceProcess;
  /** Starts the parts that do not run. */
  start(parts?: readonly Part[], args?: readonly string[]): Promise<void>;
  /** Ends parts with the signal; resolves with their exit codes. */
  end(parts: readonly Part[], signal: NodeJS.Signals): Promise<readonly (number | null)[]>;
  /** Another process of the same part, which the caller ends. */
  second(part: Part): Promise<ServiceProcess>;
  /** A job of the command line beside the running service. */
  job(...args: string[]): ReturnType<typeof runCommandLine>;
  /** Ends whatever still runs. */
  stop(): Promise<void>;
}

/** Nothing is started yet. */
export const fourProcesses = async (
  { eventStore, kafka, mongodb }: StackAddresses,
  settings: NodeJS.ProcessEnv = {},
): Promise<FourProcesses> => {
  const name = `test-${randomUUID().slice(0, 8)}`;
  const directory = await temporaryDirectory();
  const running = new Map<Part, ServiceProcess>();
  const environment: NodeJS.ProcessEnv = {
    NODE_ENV: 'test',
    EVENTSTORE_URL: eventStore,
    KAFKA_BROKERS: kafka,
    KAFKA_TOPIC: name,
    KAFKA_GROUP: name,
    KAFKA_PARTITIONS: '4',
    MONGODB_URL: mongodb,
    MONGODB_DATABASE: name.replaceAll('-', '_'),
    ...settings,
  };

  const open = (part: Part, args: readonly string[] = []): Promise<ServiceProcess> => {
    const dataDir = `${directory.path}/${part}`;
    return startServiceProcess({ dataDir, environment, args: [part, ...args] });
  };
  const start = async (part: Part, args: readonly string[]): Promise<void> => {
    running.set(part, await open(part, args));
  };

  const find = (part: Part): ServiceProcess => {
    const found = running.get(part);
    if (found === undefined) throw new Error(`The ${part} does not run.`);
    return found;
  };

  const end = (parts: readonly Part[], signal: NodeJS.Signals) =>
    Promise.all(
      parts.map(async (part) => {
        const code = await find(part).end(signal);
        running.delete(part);
        return code;
      }),
    );

  return {
    topic: name,
    environment,
    commandUrl: () => find('command-api').commandUrl,
    queryUrl: () => find('query-api').queryUrl,
    process: find,
    start: async (parts = PARTS, args = []) => {
      await Promise.all(
        parts
          .filter((part) => !running.has(part))
          .map((part) => start(part, part === 'command-api' ? args : [])),
      );
    },
    end,
    second: (part) => open(part),
    job: (...args) => runCommandLine(args, { ...environment, DATA_DIR: `${directory.path}/job` }),
    stop: async () => {
      await end([...running.keys()], 'SIGKILL');
      await directory.remove();
    },
  };
};
