import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface Launch {
  /** Of Node itself. */
  readonly nodeOptions?: readonly string[];
  /** A command that runs the one after it, such as `nice`. */
  readonly through?: readonly string[];
  /** The user that it runs as; only root may choose. */
  readonly uid?: number;
}

/** Runs the package's command to its end, with nothing of this process's environment. */
export const runCommandLine = async (
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  cwd = process.cwd(),
  { nodeOptions = [], through = [], uid }: Launch = {},
) => {
  const [command = '', ...rest] = [...through, process.execPath, ...nodeOptions, MAIN, ...args];
  const child = spawn(command, rest, {
    env: { PATH: process.env['PATH'], ...environment },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const exit = once(child, 'exit') as Promise<[number]>;
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await exit)[0], output, errors };
};
