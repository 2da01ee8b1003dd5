import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { NotHere } from './server.js';

const run = promisify(execFile);

/** Answers what a Compose file comes to; rejects with what is wrong with it. */
export interface ComposeClient {
  readonly name: string;
  config(file: string, settings?: NodeJS.ProcessEnv): Promise<unknown>;
}

const SOURCE = 'test/support/stack/compose-check';
const FOLDER = resolve('.stack/compose');

const client = (name: string, program: string, args: readonly string[]): ComposeClient => ({
  name,
  config: async (file, settings = {}) => {
    const { PATH, HOME } = process.env;
    const command = args.map((arg) => (arg === 'FILE' ? file : arg));
    const { stdout, stderr } = await run(program, command, { env: { PATH, HOME, ...settings } });
    if (stderr !== '') throw new Error(`${name} warns: ${stderr}`);
    return JSON.parse(stdout) as unknown;
  },
});

const succeeds = (program: string, args: readonly string[]): Promise<boolean> =>
  run(program, args).then(
    () => true,
    () => false,
  );

/** Docker's own client, or else its loader built here with Go; NotHere where there is neither. */
export const composeClient = async (): Promise<ComposeClient> => {
  const args = ['-f', 'FILE', 'config', '--format', 'json'];
  if (await succeeds('docker', ['compose', 'version'])) {
    return client('docker compose', 'docker', ['compose', ...args]);
  }
  // The first docker-compose, in Python, knows neither `--format` nor today's Compose files.
  if (await succeeds('docker-compose', ['config', '--help'])) {
    const { stdout } = await run('docker-compose', ['version', '--short']);
    if (!/^v?1\./.test(stdout)) return client('docker-compose', 'docker-compose', args);
  }
  return client("docker compose's loader", await build(), ['FILE']);
};

/** Where the loader belongs: another source is another file, so that none is out of date. */
const placeOf = async (): Promise<string> => {
  const hash = createHash('sha256');
  for (const file of ['main.go', 'go.mod', 'go.sum']) {
    hash.update(await readFile(join(SOURCE, file)));
  }
  return join(FOLDER, `compose-check-${hash.digest('hex').slice(0, 12)}`);
};

/** Built beside its place and moved there whole: two runs may build it at once. */
const build = async (): Promise<string> => {
  const place = await placeOf();
  if (existsSync(place)) return place;
  if (!(await succeeds('go', ['version']))) {
    throw new NotHere('there is no docker compose, and no Go to build its loader with');
  }
  await mkdir(FOLDER, { recursive: true });
  const fresh = `${place}.${process.pid}`;
  try {
    await run('go', ['build', '-buildvcs=false', '-o', fresh, '.'], { cwd: SOURCE });
  } catch (error) {
    throw new NotHere(`the Compose loader could not be built: ${String(error)}`);
  }
  await rename(fresh, place);
  return place;
};
