import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { LoadResult } from './http-load.js';
import { compiled } from './paths.js';

const run = promisify(execFile);

export interface SteadyLoad {
  readonly port: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** The ids of listed anime, the most popular first. */
  readonly animes: readonly number[];
  readonly seed?: number;
  readonly connections?: number;
}

/** Sends commands at a steady rate from another process; resolves with what was answered. */
export const steadyLoad = async (load: SteadyLoad): Promise<LoadResult> => {
  const { port, perSecond, seconds, animes, seed = 1, connections = 64 } = load;
  const { stdout } = await run(process.execPath, [
    compiled('bench/support/steady-load.js'),
    ...[`--port=${port}`, `--per-second=${perSecond}`, `--seconds=${seconds}`],
    ...[`--animes=${animes.join(',')}`, `--seed=${seed}`],
    `--connections=${connections}`,
  ]);
  return JSON.parse(stdout) as LoadResult;
};
