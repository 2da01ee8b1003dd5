import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh directory and the way to be rid of it. */
export const temporaryDirectory = async () => {
  const path = await mkdtemp(join(tmpdir(), 'anime-analytics-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};

/** The files below a directory that hold any of the texts, whatever else they are. */
export const filesWith = async (
  directory: string,
  ...texts: readonly string[]
): Promise<string[]> => {
  const found: string[] = [];
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name);
    if (!(await stat(path)).isFile()) continue;
    const content = await readFile(path);
    if (texts.some((text) => content.includes(text))) found.push(name);
  }
  return found;
};
