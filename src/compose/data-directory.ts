import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { DirectoryInUseError, lockDirectory } from '../embedded-eventstore/lock.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { PortError } from '../ports/errors.js';
import type { Needs } from './needs.js';

type DirectoryNeeds = Pick<Needs, 'config' | 'life'>;

/** Names the setting where another process has the data directory, or nobody can use it. */
export const dataDirError = (error: unknown, directory: string): unknown =>
  error instanceof DirectoryInUseError
    ? new ConfigError(`DATA_DIR: ${error.message}`)
    : directoryError('DATA_DIR', directory, error);

/** A sentence that names the setting, where a directory is of no use; else the error as it is. */
export const directoryError = (variable: string, directory: string, error: unknown): unknown => {
  const chain = chainOf(error);
  // Which file it is, and whether it may be thrown away, is said by whoever read it.
  const broken = chain.find((one) => one instanceof PortError && one.code === 'CORRUPT');
  if (broken !== undefined) return new ConfigError(`${variable}: ${broken.message}`);
  const told = chain.flatMap(reasonOf)[0];
  if (told === undefined) return error;
  const why = exactReason(directory, told);
  return new ConfigError(`${variable}: ${directory} ${why}, or set another directory.`);
};

const exactReason = (directory: string, told: string): string => {
  if (told === NO_DIRECTORY) return fileInPlace(directory) ?? told;
  return VAGUE.has(told) ? (accessReason(directory) ?? blockedFile(directory) ?? told) : told;
};

const chainOf = (error: unknown): Error[] =>
  error instanceof Error ? [error, ...chainOf(error.cause)] : [];

const FULL = 'is on a disk that is full. Make room there';
const FORBIDDEN = 'is a directory that this user may not write to. Give it to this user';
const READ_ONLY = 'is on a file system that is read-only. Mount it for writing';
const NO_DIRECTORY = 'is a file or is below one, where a directory is needed. Move that file away';

const NO_WAY = 'cannot be made: its path leads nowhere. Mend the path';
const CLOSED = 'holds a file that cannot be opened. Move it away';
/** Said of other things, too: a look at the directory tells them apart. */
const VAGUE: ReadonlySet<string> = new Set([FORBIDDEN, NO_WAY, CLOSED]);

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: READ_ONLY,
  ENOTDIR: NO_DIRECTORY,
  EEXIST: NO_DIRECTORY,
  EISDIR: 'holds a directory where a file is needed. Move it away',
  ENOENT: NO_WAY,
  ENAMETOOLONG: 'is too long a name. Shorten it',
};

/** What SQLite says, wherever it was said: an error of another thread keeps its words alone. */
const SQLITE_REASONS: readonly (readonly [RegExp, string])[] = [
  [/database or disk is full/, FULL],
  [/readonly database/, FORBIDDEN],
  [/unable to open database file/, CLOSED],
  [
    /file is not a database|disk image is malformed/,
    'holds a file that is no database of ours, or a broken one. Restore a backup',
  ],
];

const reasonOf = (error: Error): string[] => {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const reason = REASONS[code] ?? SQLITE_REASONS.find(([words]) => words.test(error.message))?.[1];
  return reason === undefined ? [] : [reason];
};

/** Whether the directory, or what there is of its path, may be written to. */
const accessReason = (directory: string): string | undefined => {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const parent = dirname(directory);
    return code === 'ENOENT' && parent !== directory ? accessReason(parent) : REASONS[code];
  }
};

const SUBDIRECTORY = 'read-models';

const fileInPlace = (directory: string): string | undefined =>
  attempt(() => statSync(join(directory, SUBDIRECTORY)).isDirectory()) === false
    ? `holds a file ${SUBDIRECTORY} where a directory is needed. Move it away`
    : undefined;

/** Which file it is, where the system or SQLite does not say so. */
const blockedFile = (directory: string): string | undefined => {
  const files = ['', SUBDIRECTORY].flatMap((below) => filesIn(directory, below));
  const made = files.find(({ entry }) => entry.isDirectory());
  if (made !== undefined) {
    return `holds a directory ${made.name} where a file is needed. Move it away`;
  }
  return foreignFile(
    directory,
    files.map(({ name }) => name),
  );
};

const foreignFile = (directory: string, names: readonly string[]): string | undefined => {
  const foreign = [SUBDIRECTORY, ...names]
    .filter((name) => existsSync(join(directory, name)))
    .find((name) => !isWritable(join(directory, name)));
  return foreign && `holds ${foreign}, which this user may not write. Give it to this user`;
};

const isWritable = (path: string): boolean =>
  attempt(() => {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  }) ?? false;

const filesIn = (directory: string, below: string) =>
  (attempt(() => readdirSync(join(directory, below), { withFileTypes: true })) ?? [])
    .filter(({ name }) => /\.(db(-wal|-shm)?|json|log)$/.test(name))
    .map((entry) => ({ entry, name: join(below, entry.name) }));

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

/** With less the first writes would fail, one by one. */
const LEAST_FREE_BYTES = 1024 * 1024;

/** SQLite opens a file that it may only read, and fails with the first write. */
const refuseForeignDatabases = (directory: string): void => {
  const databases = ['', SUBDIRECTORY]
    .flatMap((below) => filesIn(directory, below))
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.db'));
  const reason = foreignFile(directory, databases);
  if (reason === undefined) return;
  throw new ConfigError(
    `DATA_DIR: ${directory} ${accessReason(directory) ?? reason}, or set another directory.`,
  );
};

/** Throws where the directory cannot be made or written to, or where there is no room on its disk. */
export const prepareDataDirectory = (directory: string): void => {
  try {
    mkdirSync(directory, { recursive: true });
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize < LEAST_FREE_BYTES) {
      throw Object.assign(new Error('There is no room.'), { code: 'ENOSPC' });
    }
  } catch (error) {
    throw directoryError('DATA_DIR', directory, error);
  }
  refuseForeignDatabases(directory);
};

/**
 * A job makes no data directory, which would hide a mistyped name: it must be there, and with `log`
 * hold the log of the embedded event store.
 */
export const requireDataDirectory = async (
  { dataDir }: Pick<Config, 'dataDir'>,
  { log }: { readonly log: boolean },
): Promise<void> => {
  const found = await stat(dataDir).catch(() => null);
  if (found === null) {
    const near = await nearestSibling(dataDir);
    const hint = near === undefined ? '' : ` Did you mean ${near}?`;
    throw new ConfigError(
      `DATA_DIR: there is no directory ${dataDir}.${hint} Jobs make none: serve does.`,
    );
  }
  if (!found.isDirectory()) throw new ConfigError(`DATA_DIR: ${dataDir} is not a directory.`);
  if (!log || (await stat(join(dataDir, 'events.db')).catch(() => null)) !== null) return;
  throw new ConfigError(
    `DATA_DIR: there is no event log in ${dataDir}. Name the directory of a service, or set EVENTSTORE_URL.`,
  );
};

const MAX_TYPING_ERRORS = 2;

const nearestSibling = async (path: string): Promise<string | undefined> => {
  const parent = dirname(resolve(path));
  const siblings = await readdir(parent, { withFileTypes: true }).catch(() => []);
  const name = basename(resolve(path));
  const [near] = siblings
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({ name: entry.name, by: distance(entry.name, name) }))
    .filter(({ by }) => by <= MAX_TYPING_ERRORS)
    .sort((a, b) => a.by - b.by);
  return near === undefined ? undefined : join(dirname(path), near.name);
};

/** Makes this process the owner of DATA_DIR, or rejects with DirectoryInUseError. */
export const lockDataDirectory = async ({ config, life }: DirectoryNeeds): Promise<void> => {
  prepareDataDirectory(config.dataDir);
  await life.open(
    'data directory',
    () => lockDirectory(config.dataDir),
    (lock) => {
      lock.release();
      return Promise.resolve();
    },
  );
};

/** Makes this process the owner of DATA_DIR, where the embedded event store has not done so already. */
export const ownDataDirectory = async (needs: DirectoryNeeds): Promise<void> => {
  if (needs.config.eventStore.url === '') return;
  await lockDataDirectory(needs).catch((error: unknown): never => {
    throw dataDirError(error, needs.config.dataDir);
  });
};

/** Of the files in a directory whose names match; 0 where there is no such directory. */
export const bytesOnDisk = async (directory: string, names: RegExp): Promise<number> => {
  const all = await readdir(directory).catch(() => []);
  const sizes = all
    .filter((name) => names.test(name))
    .map(async (name) => {
      // SQLite removes its side files when it likes.
      const found = await stat(join(directory, name)).catch(() => null);
      return found?.size ?? 0;
    });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
};
