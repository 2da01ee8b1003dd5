import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

export interface ServerProcess {
  readonly pid: number;
  /** CPU time of all its threads so far; NaN where the system does not tell. */
  cpuSeconds(): Promise<number>;
  peakMegabytes(): Promise<number>;
  stop(): Promise<void>;
  /** Ends it without a chance to finish anything. */
  kill(): Promise<void>;
}

export interface StartOptions {
  readonly args?: readonly string[];
  /** Of Node itself. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a compiled script of ours as a child process. `line` is what it prints first, or never. */
export const spawnServer = (
  script: string,
  { args = [], nodeArgs = [], env = {} }: StartOptions = {},
) => {
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const ended = exited.then(() => {
    throw new Error(`${script} ended before it was ready.`);
  });
  ended.catch(() => undefined);
  const firstLine = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
  firstLine.catch(() => undefined);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${script} did not start.`);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  const server: ServerProcess = {
    pid,
    cpuSeconds: () => cpuSecondsOf(pid),
    peakMegabytes: () => peakMegabytesOf(pid),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
  return { server, ended, firstLine };
};

/** Starts a server that prints the address it listens on as a line of JSON. */
export const startLimit = async (
  script: string,
  options: StartOptions = {},
): Promise<ServerProcess & { readonly port: number }> => {
  const { server, ended, firstLine } = spawnServer(script, options);
  const [line] = await Promise.race([firstLine, ended]);
  const { port } = JSON.parse(line) as { port: number };
  return { ...server, port };
};

const TICKS_PER_SECOND = 100;

/** CPU time of all threads of a process so far; NaN where the system does not tell. */
export const cpuSecondsOf = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the command in parentheses and may hold spaces; utime and stime are 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

const peakMegabytesOf = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
};
