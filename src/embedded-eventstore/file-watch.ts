import { statSync } from 'node:fs';

/**
 * Tells whether a database is still the file at its path. SQLite goes on writing to a file that was
 * removed, moved or replaced, and after a restart nothing of that is there. Created once the file is open.
 */
export const watchDatabaseFile = (path: string): (() => boolean) => {
  const opened = new Map<string, string>();

  const isInPlace = (name: string): boolean => {
    const now = identityOf(name);
    const before = opened.get(name);
    if (before !== undefined) return now === before;
    // SQLite makes the write-ahead log with the first access.
    if (now !== undefined) opened.set(name, now);
    return true;
  };

  const files = [path, `${path}-wal`];
  const isWhole = (): boolean => files.every(isInPlace);
  isWhole();
  return isWhole;
};

const identityOf = (path: string): string | undefined => {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
};
