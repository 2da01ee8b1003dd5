import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

export interface ServerProcess {
  readonly pid: number;
  /** What the server said first on its standard output, a line of JSON. */
  readonly hello: Readonly<Record<string, unknown>>;
  /** CPU time of all its threads so far; NaN where the system does not tell. */
  cpuSeconds(): Promise<number>;
  peakMegabytes(): Promise<number>;
  stop(): Promise<void>;
}

/** Runs a script of ours as a child process and waits for its first line of JSON. */
export const startServer = async (
  script: string,
  { args = [], env = {} }: { args?: readonly string[]; env?: Record<string, string> } = {},
): Promise<ServerProcess> => {
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [hello] = (await Promise.race([
    once(lines, 'line'),
    exited.then(() => Promise.reject(new Error(`${script} ended before it was ready.`))),
  ])) as [string];
  const { pid } = child;
  if (pid === undefined) throw new Error(`${script} did not start.`);
  return {
    pid,
    hello: JSON.parse(hello) as Record<string, unknown>,
    cpuSeconds: () => cpuSecondsOf(pid),
    peakMegabytes: () => peakMegabytesOf(pid),
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
};

const TICKS_PER_SECOND = 100;

export const cpuSecondsOf = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the command in parentheses and may hold spaces; utime and stime are 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

export const peakMegabytesOf = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
};
