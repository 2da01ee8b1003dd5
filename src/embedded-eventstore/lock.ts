import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, SQLITE, sqliteCodeOf, type Database } from './sqlite.js';

/** The owner of a data directory; fields it has not published are absent. */
export interface DirectoryOwner {
  readonly pid: number;
  /** The port of its event store; null if it does not listen. */
  readonly port: number | null;
  /** The socket on which it accepts jobs; absent if it accepts none. */
  readonly jobs?: string;
}

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
 * SQLite's own on an empty file. The operating system releases it when the process ends, even after
 * a crash, so a lock is never stale. POSIX also drops it when this process opens and closes the
 * file in any other way: nothing else may touch it.
 */
export const lockDirectory = (directory: string): DirectoryLock => {
  mkdirSync(directory, { recursive: true });
  const db = openDatabase(join(directory, 'lock.db'), { busyTimeoutMs: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    announceOwner(directory, null);
  } catch (error) {
    db.close();
    if (sqliteCodeOf(error) !== SQLITE.BUSY) throw error;
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

/** The garbage collector would close an unreferenced connection and release its lock. */
const held = new Set<Database>();

const ownerFile = (directory: string): string => join(directory, 'owner.json');

/** Publishes the port of the event store. Only the owner of the directory may call it. */
export const announceOwner = (directory: string, port: number | null): void =>
  writeOwner(directory, { pid: process.pid, port });

/** Publishes where the owner accepts jobs; undefined withdraws it. */
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
