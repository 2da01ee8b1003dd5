import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh directory and the way to be rid of it. */
export const temporaryDirectory = async () => {
  const path = await mkdtemp(join(tmpdir(), 'anime-analytics-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};
