import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PortError } from '../../ports/errors.js';
import { ConfigError } from './config.js';

/**
 * A sentence that names the setting where the directory is unusable; any other error as it is. A full
 * disk and damaged data are no mistake in the settings.
 */
export const directoryError = (variable: string, directory: string, error: unknown): unknown => {
  const chain = chainOf(error);
  // The reader of the file says which one it is, and whether it may be deleted.
  const broken = chain.find((one) => one instanceof PortError && one.code === 'CORRUPT');
  if (broken !== undefined) return damaged(`${variable}: ${broken.message}`, error);
  const reason = chain.flatMap(systemReason)[0];
  if (reason === undefined) return error;
  const why = exactReason(directory, reason);
  const sentence = `${variable}: ${directory} ${why}, or set another directory.`;
  if (reason === DAMAGED_DATABASE) return damaged(sentence, error);
  if (reason === FULL) return new PortError('UNAVAILABLE', sentence, false, { cause: error });
  return new ConfigError(sentence);
};

const damaged = (sentence: string, cause: unknown): PortError =>
  new PortError('CORRUPT', sentence, false, { cause });

const exactReason = (directory: string, reason: string): string => {
  if (reason === NO_DIRECTORY) return fileInPlace(directory) ?? reason;
  return VAGUE.has(reason) ? (accessReason(directory) ?? blockedFile(directory) ?? reason) : reason;
};

const chainOf = (error: unknown): Error[] =>
  error instanceof Error ? [error, ...chainOf(error.cause)] : [];

const FULL = 'is on a disk that is full. Make room there';
const FORBIDDEN = 'is a directory that this user may not write to. Give it to this user';
const READ_ONLY = 'is on a file system that is read-only. Mount it for writing';
const NO_DIRECTORY = 'is a file or is below one, where a directory is needed. Move that file away';

const NO_WAY = 'cannot be created: its path leads nowhere. Correct the path';
const DAMAGED_DATABASE = 'holds a file that is not our database, or is damaged. Restore a backup';
const UNOPENABLE = 'holds a file that cannot be opened. Move it away';
/** Codes with several causes, which the state of the directory tells apart. */
const VAGUE: ReadonlySet<string> = new Set([FORBIDDEN, NO_WAY, UNOPENABLE]);

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

/** SQLite's messages: an error from a worker thread has lost its code. */
const SQLITE_REASONS: readonly (readonly [RegExp, string])[] = [
  [/database or disk is full/, FULL],
  [/readonly database/, FORBIDDEN],
  [/unable to open database file/, UNOPENABLE],
  [/file is not a database|disk image is malformed/, DAMAGED_DATABASE],
];

const systemReason = (error: Error): string[] => {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const reason = REASONS[code] ?? SQLITE_REASONS.find(([words]) => words.test(error.message))?.[1];
  return reason === undefined ? [] : [reason];
};

/** Why the directory, or its nearest existing parent, cannot be written. */
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
  valueOrUndefined(() => statSync(join(directory, SUBDIRECTORY)).isDirectory()) === false
    ? `holds a file ${SUBDIRECTORY} where a directory is needed. Move it away`
    : undefined;

/** Names the file, which the system and SQLite do not. */
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
  valueOrUndefined(() => {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  }) ?? false;

const filesIn = (directory: string, below: string) =>
  (valueOrUndefined(() => readdirSync(join(directory, below), { withFileTypes: true })) ?? [])
    .filter(({ name }) => /\.(db(-wal|-shm)?|json|log)$/.test(name))
    .map((entry) => ({ entry, name: join(below, entry.name) }));

const valueOrUndefined = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

/** Why a database there cannot be written: SQLite would open it and fail with the first write. */
export const unwritableDatabase = (directory: string): string | undefined => {
  const databases = ['', SUBDIRECTORY]
    .flatMap((below) => filesIn(directory, below))
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.db'));
  const reason = foreignFile(directory, databases);
  return reason && (accessReason(directory) ?? reason);
};

/** Rethrows the failure to listen on a port as a sentence that names the setting. */
export const listenError =
  (variable: string, port: number) =>
  (error: unknown): never => {
    const failure = rootOf(error);
    const remedy = failure === undefined ? undefined : REMEDIES[failure.code ?? ''];
    if (failure === undefined || remedy === undefined) throw error;
    throw new ConfigError(remedy({ variable, port, host: hostOf(failure) }));
  };

type ListenError = NodeJS.ErrnoException & {
  readonly hostname?: string;
  readonly address?: string;
};

interface ListenTarget {
  readonly variable: string;
  readonly port: number;
  readonly host: string;
}

/** The gRPC server wraps the error of the system. */
const rootOf = (error: unknown): ListenError | undefined => {
  if (!(error instanceof Error)) return undefined;
  return error.cause === undefined ? error : rootOf(error.cause);
};

const hostOf = ({ hostname, address }: ListenError): string => hostname ?? address ?? 'the host';

const inUse = ({ variable, port }: ListenTarget): string => {
  const taken = `${variable}: port ${port} is in use by another process.`;
  return variable === 'EVENTSTORE_PORT'
    ? `${taken} If that is your EventStoreDB, set EVENTSTORE_URL to work with it; else set another port, or 0 for none.`
    : `${taken} Stop that process or set another port.`;
};

const noSuchHost = ({ host }: ListenTarget): string =>
  `HOST: ${host} is no address of this machine. Set 127.0.0.1, or 0.0.0.0 for all of its addresses.`;

const REMEDIES: Readonly<Record<string, (place: ListenTarget) => string>> = {
  EADDRINUSE: inUse,
  EACCES: ({ variable, port }) =>
    `${variable}: this user may not listen on port ${port}. Set a port above 1023.`,
  EADDRNOTAVAIL: noSuchHost,
  ENOTFOUND: noSuchHost,
  EAI_AGAIN: noSuchHost,
  EINVAL: noSuchHost,
};
/** Why a file cannot be read, as the end of a sentence; undefined for any other error. */

export const fileProblem = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? FILE_PROBLEMS.get(error.code) : undefined;
const FILE_PROBLEMS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'there is no such file.'],
  ['ENOTDIR', 'there is no such file.'],
  ['EISDIR', 'this is a directory, not a file.'],
  ['EACCES', 'this user may not read the file.'],
]);
