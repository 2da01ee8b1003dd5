import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, type Database } from './sqlite.js';

/** Who owns a data directory, as far as it is known. */
export interface DirectoryOwner {
  readonly pid: number;
  /** Where its event store listens; null where it does not. */
  readonly port: number | null;
  /** The socket on which it takes jobs; absent where it takes none. */
  readonly jobs?: string;
}

/** Another process works in the data directory. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';

  constructor(
    readonly directory: string,
    readonly owner: DirectoryOwner | null,
  ) {
    const by = owner === null ? 'another process' : `process ${owner.pid}`;
    const at = owner?.port ? `, whose event store listens on port ${owner.port}` : '';
    super(`The data directory ${directory} is in use by ${by}${at}.`);
  }
}

export interface DirectoryLock {
  release(): void;
}

/**
 * Makes this process the only owner of a data directory, or throws DirectoryInUseError. The lock is
 * SQLite's own on an empty file, held by the operating system: it ends with the process, however
 * that ends, so that nothing stale is ever left behind. POSIX drops it as well when this process opens
 * and closes that file by any other way: nothing else may touch it.
 */
export const lockDirectory = (directory: string): DirectoryLock => {
  mkdirSync(directory, { recursive: true });
  const db = openDatabase(join(directory, 'lock.db'), { busyTimeoutMs: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    announceOwner(directory, null);
  } catch (error) {
    db.close();
    if ((error as { readonly errcode?: unknown }).errcode !== SQLITE_BUSY) throw error;
    throw new DirectoryInUseError(directory, readOwner(directory));
  }
  held.add(db);
  return {
    release: () => {
      rmSync(ownerFile(directory), { force: true });
      held.delete(db);
      db.close();
    },
  };
};

/** A connection that nobody refers to is closed by the garbage collector, and its lock with it. */
const held = new Set<Database>();

const SQLITE_BUSY = 5;

const ownerFile = (directory: string): string => join(directory, 'owner.json');

/** Tells others where the event store of the directory listens; only its owner may. */
export const announceOwner = (directory: string, port: number | null): void =>
  writeOwner(directory, { pid: process.pid, port });

/** Tells others where the owner of the directory takes jobs; undefined: nowhere any more. */
export const announceJobs = (directory: string, jobs: string | undefined): void => {
  const { pid, port } = readOwner(directory) ?? { pid: process.pid, port: null };
  writeOwner(directory, { pid, port, ...(jobs === undefined ? {} : { jobs }) });
};

const writeOwner = (directory: string, owner: DirectoryOwner): void => {
  const draft = `${ownerFile(directory)}.new`;
  writeFileSync(draft, JSON.stringify(owner));
  renameSync(draft, ownerFile(directory));
};

const readOwner = (directory: string): DirectoryOwner | null => {
  try {
    return JSON.parse(readFileSync(ownerFile(directory), 'utf8')) as DirectoryOwner;
  } catch {
    return null;
  }
};
