import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { mongodbAnswers } from './mongodb-answers.js';
import { ferretdbBinary } from './mongodb-ferretdb-build.js';
import type { StackServer } from './server.js';

/** A FerretDB of one's own, a process of this machine with SQLite files in a temporary folder. */
export const startNativeFerretdb = async (): Promise<StackServer> => {
  const binary = await ferretdbBinary();
  const { path, remove } = await temporaryDirectory();
  const port = await freePort();
  const address = `mongodb://127.0.0.1:${port}/`;
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
    const log = await open(join(path, 'ferretdb.log'), 'a');
    server = spawn(binary, flags(path, port), { stdio: ['ignore', log.fd, log.fd] });
    await log.close();
    const exited = once(server, 'exit').then(async () => {
      const written = await readFile(join(path, 'ferretdb.log'), 'utf8');
      throw new Error(`FerretDB ended:\n${written.slice(-2_000)}`);
    });
    exited.catch(() => undefined);
    await Promise.race([mongodbAnswers(address), exited]);
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

/** Not waiting for the disk loses nothing when a process is killed, only when the machine is. */
const flags = (directory: string, port: number): string[] => [
  '--handler=sqlite',
  `--sqlite-url=file:${directory}/?_pragma=synchronous(off)`,
  `--listen-addr=127.0.0.1:${port}`,
  '--debug-addr=-',
  '--telemetry=disable',
  `--state-dir=${directory}`,
  '--log-level=WARN',
];
