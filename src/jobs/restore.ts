import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dataDirError, lockDataDirectory } from '../compose/data-directory.js';
import { checkDatabase, syncPath } from '../embedded-eventstore/files/file-tasks.js';
import { LOG_FILE } from '../embedded-eventstore/log/schema.js';
import { ConfigError } from '../platform/config/config.js';
import { messageOf, PortError, UnavailableError } from '../ports/errors.js';
import { assertWhole, type BackupManifest, damagedBackup, readManifest } from './backup.js';
import { type JobOptions, type OwnDependencies, runJob } from './job.js';
import { requireEmbeddedLog } from './verify.js';

/** Files are copied here, and moved into place once all are complete. */
const RESTORING = 'restoring';

/** Ignored in an otherwise empty DATA_DIR: a lock, remains of a killed restore, the file system's own. */
const NOT_CONTENT = /^(?:lock\.db.*|owner\.json.*|restoring|lost\+found)$/;

/**
 * Restores a backup into DATA_DIR, which must be empty or absent. Checks the whole backup before the first
 * write; rejects with CORRUPT if it is damaged.
 */
export const runRestoreJob = (options: JobOptions, source: string): Promise<boolean> => {
  requireEmbeddedLog(options.config, 'restore');
  return runJob(options, async (dependencies) => {
    const { config, signal } = dependencies;
    const manifest = await readManifest(source);
    await assertWhole(source, manifest, signal);
    await assertEmpty(config.dataDir);
    await lockDataDirectory(dependencies).catch((error: unknown) => {
      throw dataDirError(error, config.dataDir);
    });
    await assertEmpty(config.dataDir);
    await restoreFiles(dependencies, source, manifest);
    const { events, streams, lastPosition, logId, files } = manifest;
    options.print(`${config.dataDir} holds ${events} events in ${streams} streams again.`);
    options.report({ directory: config.dataDir, events, streams, lastPosition, logId, files });
    return true;
  });
};

const assertEmpty = async (directory: string): Promise<void> => {
  const names = await readdir(directory).catch((): string[] => []);
  const [found] = names.filter((name) => !NOT_CONTENT.test(name));
  if (found === undefined) return;
  throw new ConfigError(
    `DATA_DIR: ${directory} is not empty (${found}). A backup is restored into an empty or absent directory.`,
  );
};

const restoreFiles = async (
  { config: { dataDir }, signal }: OwnDependencies,
  source: string,
  manifest: BackupManifest,
): Promise<void> => {
  const restoring = join(dataDir, RESTORING);
  // Move the log last: without it the service does not start on a half-restored directory.
  const others = manifest.files.map(({ path }) => path).filter((path) => path !== LOG_FILE);
  const paths = [...others, LOG_FILE];
  try {
    await rm(restoring, { recursive: true, force: true });
    for (const path of paths) {
      signal.throwIfAborted();
      await mkdir(dirname(join(restoring, path)), { recursive: true });
      await cp(join(source, path), join(restoring, path));
      await syncPath(join(restoring, path));
      const { problems } = await checkDatabase(join(restoring, path), path === LOG_FILE);
      if (problems[0] !== undefined) throw damagedBackup(`${path}: ${problems[0]}`);
    }
    signal.throwIfAborted();
    for (const path of paths) {
      await mkdir(dirname(join(dataDir, path)), { recursive: true });
      await rename(join(restoring, path), join(dataDir, path));
    }
    await syncPath(dataDir);
  } catch (error) {
    if (signal.aborted || error instanceof PortError) throw error;
    const reason = messageOf(error);
    throw new UnavailableError(`The backup was not restored: ${reason}.`, { cause: error });
  } finally {
    await rm(restoring, { recursive: true, force: true });
  }
};
