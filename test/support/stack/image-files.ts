import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { readDockerfile, type Stage } from '../dockerfile.js';
import { NotHere } from './server.js';

const WORKDIR = '/app';

/** What `path` of an image is below the folder that stands for its root. */
const inside = (root: string, path: string): string =>
  join(root, path.startsWith('/') ? path : join(WORKDIR, path));

const copy = async (from: string, to: string, intoFolder: boolean): Promise<void> => {
  const target = intoFolder ? join(to, basename(from)) : to;
  await mkdir(join(target, '..'), { recursive: true });
  await cp(from, target, { recursive: true });
};

/** COPY as Docker does it, for the forms that our Dockerfile uses. */
const runCopy = async (text: string, root: string, stages: string): Promise<void> => {
  const words = text.split(' ');
  const source = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : null;
  const target = words.pop() ?? '';
  for (const path of words) {
    const from = source === null ? path : inside(join(stages, source ?? ''), path);
    await copy(from, inside(root, target), target.endsWith('/'));
  }
};

const runCommand = async (command: string, root: string): Promise<void> => {
  try {
    await promisify(execFile)('sh', ['-c', command], { cwd: inside(root, '.') });
  } catch (error) {
    const text = String(error);
    if (/ENOTFOUND|ECONNREFUSED|EAI_AGAIN/.test(text)) {
      throw new NotHere('the package registry cannot be reached');
    }
    throw error;
  }
};

const isOurs = ({ base }: Stage): boolean => !base.includes(':');

/**
 * Does what the Dockerfile says in folders instead of images, with the Node that runs here, and
 * answers the folder that the last stage works in. What needs a container's root is left out.
 */
export const makeImageFiles = async (folder: string): Promise<string> => {
  const stages = (await readDockerfile()).filter(isOurs);
  for (const { name, instructions } of stages) {
    const root = join(folder, name);
    await mkdir(inside(root, '.'), { recursive: true });
    for (const { name: instruction, text } of instructions) {
      if (instruction === 'COPY') await runCopy(text, root, folder);
      if (instruction === 'RUN' && text.startsWith('npm ')) await runCommand(text, root);
    }
  }
  return inside(join(folder, stages.at(-1)?.name ?? ''), '.');
};
