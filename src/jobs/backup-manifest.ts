import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LOG_FILE } from '../embedded-eventstore/log/schema.js';
import { jsonObjectIn } from '../ports/json.js';
import { PortError } from '../ports/errors.js';

/** What a backup holds; written last, so a directory without it is no backup. */
export interface BackupManifest {
  readonly format: 1;
  /** The release that made it. */
  readonly version: string;
  readonly createdAt: string;
  /** Null where the service never started on this log. */
  readonly logId: string | null;
  /** The position of the last event, as a decimal string. */
  readonly lastPosition: string;
  readonly events: number;
  readonly streams: number;
  readonly files: readonly BackupFile[];
}

export interface BackupFile {
  /** Relative to the backup, and to DATA_DIR. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export const MANIFEST = 'manifest.json';

/** Reads a file of a backup to its end. */
export const describeFile = async (
  directory: string,
  path: string,
  signal: AbortSignal,
): Promise<BackupFile> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(directory, path)), hash, { signal });
  const { size: bytes } = await stat(join(directory, path));
  return { path, bytes, sha256: hash.digest('hex') };
};

/** Rejects with NOT_FOUND where the directory holds no manifest, and with CORRUPT where it is unreadable. */
export const readManifest = async (directory: string): Promise<BackupManifest> => {
  const written = await readFile(join(directory, MANIFEST)).catch(() => null);
  if (written === null) {
    throw new PortError('NOT_FOUND', `${directory} is not a backup: it has no ${MANIFEST}.`, false);
  }
  const manifest = jsonObjectIn(written);
  if (manifest === undefined || !isManifest(manifest))
    throw damagedBackup(`${MANIFEST} cannot be read`);
  return manifest;
};

/** Rejects with CORRUPT unless every file is as the manifest says. */
export const assertWhole = async (
  directory: string,
  { files }: BackupManifest,
  signal: AbortSignal,
): Promise<void> => {
  for (const { path, bytes, sha256 } of files) {
    const found = await describeFile(directory, path, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw damagedBackup(`${path} cannot be read`, error);
    });
    if (found.bytes !== bytes || found.sha256 !== sha256) {
      throw damagedBackup(`${path} differs from what ${MANIFEST} says`);
    }
  }
};

export const damagedBackup = (what: string, cause?: unknown): PortError =>
  new PortError('CORRUPT', `The backup is damaged: ${what}.`, false, { cause });

/** No other path is written into DATA_DIR. */
const KNOWN_PATH = /^(?:events|dead-letters|read-models\/[0-9a-z-]+)\.db$/;

const isManifest = (value: object): value is BackupManifest => {
  const { format, logId, lastPosition, events, files } = value as Record<string, unknown>;
  return (
    format === 1 &&
    (logId === null || typeof logId === 'string') &&
    typeof lastPosition === 'string' &&
    typeof events === 'number' &&
    Array.isArray(files) &&
    files.every(isBackupFile) &&
    files.some(({ path }) => path === LOG_FILE)
  );
};

const isBackupFile = (value: unknown): value is BackupFile => {
  if (typeof value !== 'object' || value === null) return false;
  const { path, bytes, sha256 } = value as Record<string, unknown>;
  const isKnown = typeof path === 'string' && KNOWN_PATH.test(path);
  return isKnown && typeof bytes === 'number' && typeof sha256 === 'string';
};
