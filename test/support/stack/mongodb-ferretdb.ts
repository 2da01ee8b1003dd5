import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { mongodbAnswers } from './mongodb-answers.js';
import { ferretdbBinary } from './mongodb-ferretdb-build.js';
import { startNativeServer } from './native-server.js';
import type { StackServer } from './server.js';

/** A FerretDB of one's own, a process of this machine with SQLite files in a temporary folder. */
export const startNativeFerretdb = async (): Promise<StackServer> => {
  const binary = await ferretdbBinary();
  const { path, remove } = await temporaryDirectory();
  const port = await freePort();
  const address = `mongodb://127.0.0.1:${port}/`;
  return startNativeServer({
    name: 'FerretDB',
    address,
    command: binary,
    args: flags(path, port),
    remove,
    logFile: join(path, 'ferretdb.log'),
    answers: () => mongodbAnswers(address),
  });
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
