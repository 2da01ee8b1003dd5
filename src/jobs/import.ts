import { randomUUID } from 'node:crypto';
import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import { CatalogFormatError } from '../import/catalog-columns.js';
import { importCatalogFile } from '../import/import-file.js';
import { isComplete, type ImportReport } from '../import/import-report.js';
import { listThrough } from '../import/listing.js';
import { ConfigError } from '../platform/config/config.js';
import type { CommandHandler } from '../command-side/handling/handler.js';
import type { Logger } from '../platform/observability/logger.js';
import type { EventStore } from '../ports/event-store.js';
import { ANIME_STREAM_PREFIX } from '../domain/stream-name.js';
import { openCommandHandler, openEventStoreForJob, withoutPort } from '../compose/write-side.js';
import { requireDataDirectory } from '../compose/data-directory.js';
import { runJob, type JobOptions, type JobOutput } from './job.js';

export interface ImportJobOptions {
  readonly handler: CommandHandler;
  readonly logger: Logger;
  readonly file: string;
  readonly relist?: boolean;
  readonly clear?: boolean;
  readonly signal: AbortSignal;
  readonly output: Pick<JobOutput, 'print' | 'progress'>;
}

const MAX_LISTED_ON_TERMINAL = 20;

/** Imports a catalogue file and prints the outcome. */
const importFile = async (options: ImportJobOptions): Promise<ImportReport> => {
  const { handler, logger, file, relist = false, clear = false, signal, output } = options;
  try {
    return await importCatalogFile({
      path: file,
      logger,
      relist,
      clear,
      signal,
      print: output.print,
      list: listThrough(handler, randomUUID()),
      now: Date.now,
      onProgress: output.progress,
      // A file or a pipe gets every line that the report keeps.
      ...(process.stdout.isTTY ? { maxListed: MAX_LISTED_ON_TERMINAL } : {}),
    });
  } catch (error) {
    const problem = fileProblem(error);
    throw problem === undefined ? error : new ConfigError(`${file}: ${problem}`);
  }
};

const fileProblem = (error: unknown): string | undefined => {
  if (error instanceof CatalogFormatError) return error.message;
  return error instanceof Error && 'code' in error ? FILE_PROBLEMS.get(error.code) : undefined;
};

const FILE_PROBLEMS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'there is no such file.'],
  ['ENOTDIR', 'there is no such file.'],
  ['EISDIR', 'this is a directory, not a file.'],
  ['EACCES', 'this user may not read the file.'],
]);

/**
 * Imports a catalogue file, with or without a running service. Returns false if rows were rejected or
 * the import was stopped.
 */
export const runImportJob = (
  options: JobOptions & Pick<ImportJobOptions, 'file' | 'relist' | 'clear'>,
): Promise<boolean> =>
  runJob(options, async (dependencies) => {
    const { config, logger, signal } = dependencies;
    if (config.eventStore.url === '') await requireDataDirectory(config, { log: false });
    const store = await openEventStoreForJob(dependencies);
    const handler = await openCommandHandler(dependencies, store);
    const imported = await importFile({ ...options, handler, logger, signal, output: options });
    const { error, ...report } = imported;
    options.report(error === undefined ? report : { ...report, error: error.message });
    return isComplete(imported);
  }).catch((error: unknown): never => {
    throw error instanceof DirectoryInUseError ? withoutPort(error) : error;
  });

/** Imports the file if the event store has no anime yet. */
export const importSample = async (
  store: EventStore,
  options: Omit<ImportJobOptions, 'relist' | 'clear'>,
): Promise<void> => {
  if (await isEmptyStore(store, options.signal)) await importFile(options);
};

const isEmptyStore = async (store: EventStore, signal: AbortSignal): Promise<boolean> => {
  const all = store.subscribeToAll({ after: 'start', streamPrefix: ANIME_STREAM_PREFIX, signal });
  for await (const { kind } of all) {
    if (kind === 'event') return false;
    if (kind === 'caught-up') return true;
  }
  return false;
};
