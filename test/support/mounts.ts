import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of nobody, on every Linux. */
const NOBODY = 65_534;

/** A name space of its own: the mount is gone with the process, and nobody else sees it. */
const UNSHARE =
  process.getuid?.() === 0 ? ['unshare', '--mount'] : ['unshare', '--mount', '--map-root-user'];

/** A command that mounts a small file system at the directory, for the command after it alone. */
const mounted = (options: string, directory: string, prepare = 'true'): readonly string[] => [
  ...UNSHARE,
  ...['sh', '-c', `mount -t tmpfs -o ${options} tmpfs "$0" && { ${prepare}; exec "$@"; }`],
  directory,
];

export const readOnly = (directory: string): readonly string[] => mounted('ro', directory);

/** With room for a file system's own needs, and for nothing more once it is full. */
export const full = (directory: string): readonly string[] =>
  mounted('size=2m', directory, 'head -c 3000000 /dev/zero > "$0/ballast" 2> /dev/null');

/** Why nothing can be mounted here; undefined where it can. */
export const cannotMount = (): string | undefined => {
  const { status } = spawnSync('env', [...mounted('ro', '/mnt'), 'true'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'this machine lets nobody mount a file system';
};

/** How to run as somebody who may not write what this user owns alone. */
export const somebodyElse = (): { readonly uid?: number } =>
  process.getuid?.() === 0 ? { uid: NOBODY } : {};

export interface SmallDisk {
  readonly path: string;
  /** Leaves no room. */
  readonly fill: () => void;
  /** Gives back what `fill` took. */
  readonly free: () => void;
  readonly unmount: () => void;
}

/** A file system of that size at the directory, for every process. Throws where nothing can be mounted. */
export const mountSmallDisk = (path: string, megabytes: number): SmallDisk => {
  mkdirSync(path, { recursive: true });
  const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path];
  execFileSync('mount', options, { stdio: 'pipe' });
  const ballast = join(path, 'ballast');
  return {
    path,
    fill: () => {
      try {
        writeFileSync(ballast, Buffer.alloc(megabytes * 1024 * 1024), { flag: 'a' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => void execFileSync('umount', ['--lazy', path]),
  };
};
