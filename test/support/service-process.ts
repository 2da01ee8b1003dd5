import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface ServiceProcess {
  readonly commandUrl: string;
  readonly queryUrl: string;
  readonly eventStoreUrl: string;
  /** Of a bridge or a projector that runs alone. */
  readonly healthUrl: string;
  readonly pid: number;
  /** Everything that it has written to standard output so far. */
  output(): string;
  /** The end of what it has written to standard error. */
  errors(): string;
  /** Leaves what it writes to standard error, as a log collector that ends. */
  hangUp(): void;
  /** Sends the signal and resolves with the exit code, or null after a kill. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface ServiceProcessOptions {
  readonly dataDir: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
  /** How a shell starts it, as in `exec "$@" 2>/dev/full`. */
  readonly shell?: string;
}

const READY = /is ready\.[^]*\n\n/;
const READY_WITHIN_MS = 60_000;

const spawnService = async (options: ServiceProcessOptions) => {
  const { dataDir, environment = {}, args = [], shell = 'exec "$@"' } = options;
  return spawn('sh', ['-c', shell, 'sh', process.execPath, MAIN, 'serve', ...args], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      COMMAND_PORT: '0',
      QUERY_PORT: '0',
      BRIDGE_PORT: '0',
      PROJECTOR_PORT: '0',
      EVENTSTORE_PORT: String(await freePort()),
      DATA_DIR: dataDir,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
};

/** Starts the real service, which may wait for its servers for ever, or end at once. */
export const startWaitingService = async (options: ServiceProcessOptions) => {
  const child = await spawnService(options);
  const written = collect(child);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    output: () => written.output,
    errors: () => written.errors,
    /** Resolves with the exit code once it has ended by itself, or was ended. */
    ended,
    end: (signal: NodeJS.Signals): Promise<number | null> => {
      child.kill(signal);
      return ended;
    },
  };
};

export type WaitingService = Awaited<ReturnType<typeof startWaitingService>>;

/** Starts the real service in its own process on free ports, and waits until it says it is ready. */
export const startServiceProcess = async (
  options: ServiceProcessOptions,
): Promise<ServiceProcess> => {
  const child = await spawnService(options);
  const written = collect(child);
  await ready(child, written);
  const address = (name: string): string =>
    new RegExp(`${name}\\s+(\\S+)`).exec(written.output)?.[1] ?? '';
  return {
    commandUrl: address('Command API'),
    queryUrl: address('GraphQL'),
    eventStoreUrl: address('Event store'),
    healthUrl: address('Health'),
    pid: child.pid ?? -1,
    output: () => written.output,
    errors: () => written.errors,
    hangUp: () => void child.stderr.destroy(),
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exit = once(child, 'exit');
      child.kill(signal);
      const [code] = (await exit) as [number | null];
      return code;
    },
  };
};

interface Written {
  output: string;
  errors: string;
}

const collect = (child: ChildProcess): Written => {
  const written: Written = { output: '', errors: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (written.output += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    written.errors = (written.errors + text).slice(-20_000);
  });
  return written;
};

const ready = (child: ChildProcess, written: Written): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`The service ${why}.\n${written.output}\n${written.errors}`));
    };
    const timer = setTimeout(() => fail('was not ready in time'), READY_WITHIN_MS);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`ended with ${code ?? 'a signal'} before it was ready`);
    });
    child.stdout?.on('data', () => {
      if (!READY.test(written.output)) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve();
    });
  });
