import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import type { StackServer } from './server.js';

export interface NativeServerOptions {
  readonly name: string;
  readonly address: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where it may write what it has to say. */
  readonly logFile: string;
  /** Resolves once it answers. */
  readonly answers: () => Promise<void>;
  /** Removes its data. */
  readonly remove: () => Promise<void>;
}

/** A server as a process of this machine, which ends with ours. */
export const startNativeServer = async (options: NativeServerOptions): Promise<StackServer> => {
  const { name, address, command, args, logFile, answers, remove } = options;
  let server: ChildProcess | undefined;
  let stopped: Promise<void> | undefined;

  const kill = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  const withParent = (): void => void server?.kill('SIGKILL');
  process.on('exit', withParent);

  const start = async (): Promise<void> => {
    const log = await open(logFile, 'a');
    server = spawn(command, args, { stdio: ['ignore', log.fd, log.fd] });
    await log.close();
    const exited = once(server, 'exit').then(async () => {
      throw new Error(`${name} ended:\n${(await readFile(logFile, 'utf8')).slice(-2_000)}`);
    });
    exited.catch(() => undefined);
    await Promise.race([answers(), exited]);
  };

  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      await kill();
      process.off('exit', withParent);
      await remove();
    })());

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, ours: true, kill, start, stop };
};
