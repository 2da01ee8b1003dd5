import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * One file per version, named by a number that is never used again: a version is removed by
 * deleting files, at no cost to the others.
 */
export const versionFiles = (directory: string) => {
  const pathOf = (id: number): string => join(directory, `${id}.db`);
  return {
    pathOf,

    make: async (): Promise<void> => {
      await mkdir(directory, { recursive: true });
    },

    remove: async (id: number): Promise<void> => {
      const names = ['', '-wal', '-shm'].map((suffix) => pathOf(id) + suffix);
      for (const name of names) await rm(name, { force: true });
    },

    /** Deletes what a crash in the middle of a removal left behind. */
    removeOthers: async (kept: ReadonlySet<number>): Promise<void> => {
      for (const name of await readdir(directory)) {
        const id = /^([0-9]+)\.db(-wal|-shm)?$/.exec(name)?.[1];
        if (id !== undefined && !kept.has(Number(id))) await rm(join(directory, name));
      }
    },
  };
};
