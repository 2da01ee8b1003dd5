import { randomUUID } from 'node:crypto';
import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import { listThrough, type ListTitle } from '../import/catalog-import.js';
import { CatalogFormatError } from '../import/catalog-columns.js';
import { importCatalogFile } from '../import/import-file.js';
import { isComplete, type ImportReport } from '../import/import-report.js';
import { ConfigError } from '../platform/config/config.js';
import type { CommandHandler } from '../command-side/handling/handler.js';
import type { Logger } from '../platform/observability/logger.js';
import type { EventStore } from '../ports/event-store.js';
import { ANIME_STREAM_PREFIX } from '../domain/ids.js';
import {
  openCommandHandler,
  openPortOfOwner,
  openUnownedEventStore,
} from '../compose/write-side.js';
import { requireDataDirectory } from '../compose/data-directory.js';
import { openServiceListing } from './import-client.js';
import { fileProblem } from '../platform/config/system-errors.js';
import { runJob, type JobOptions, type JobOutput, type OwnDependencies } from './job.js';
import { UnreachableServiceError } from './socket-client.js';

interface ImportFileOptions {
  readonly list: ListTitle;
  readonly logger: Logger;
  readonly file: string;
  readonly relist?: boolean;
  readonly clear?: boolean;
  readonly signal: AbortSignal;
  readonly output: Pick<JobOutput, 'print' | 'progress'>;
}

const MAX_LISTED_ON_TERMINAL = 20;

/** Imports a catalogue file and prints the outcome. */
const importFile = async (options: ImportFileOptions): Promise<ImportReport> => {
  const { list, logger, file, relist = false, clear = false, signal, output } = options;
  try {
    return await importCatalogFile({
      path: file,
      logger,
      relist,
      clear,
      signal,
      print: output.print,
      list,
      now: Date.now,
      onProgress: output.progress,
      // A file or a pipe gets the whole report.
      ...(process.stdout.isTTY ? { maxListed: MAX_LISTED_ON_TERMINAL } : {}),
    });
  } catch (error) {
    const problem = catalogProblem(error);
    throw problem === undefined ? error : new ConfigError(`${file}: ${problem}`);
  }
};

const catalogProblem = (error: unknown): string | undefined =>
  error instanceof CatalogFormatError ? error.message : fileProblem(error);

/**
 * Imports a catalogue file, with or without a running service. Returns false if rows were rejected or
 * the import was stopped.
 */
export const runImportJob = (
  options: JobOptions & Pick<ImportFileOptions, 'file' | 'relist' | 'clear'>,
): Promise<boolean> =>
  runJob(options, async (dependencies) => {
    const { config, logger, signal } = dependencies;
    if (config.eventStore.url === '') await requireDataDirectory(config, { log: false });
    const list = await openListing(dependencies);
    const imported = await importFile({ ...options, list, logger, signal, output: options });
    const { error, ...report } = imported;
    options.report(error === undefined ? report : { ...report, error: error.message });
    return isComplete(imported);
  });

/**
 * Appends to the embedded log, or to the server of EVENTSTORE_URL. If a service owns the log, the titles go
 * through its job socket, or else through its event store port.
 */
const openListing = async (dependencies: OwnDependencies): Promise<ListTitle> => {
  try {
    return await listingIn(dependencies, await openUnownedEventStore(dependencies));
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    const socket = error.owner?.jobs;
    const inService = socket === undefined ? null : await openInService(dependencies, socket);
    if (typeof inService === 'function') return inService;
    // Another user's service, or one in another container, may still be reached by its port.
    if (inService !== null && !error.owner?.port) throw inService;
    return await listingIn(dependencies, await openPortOfOwner(dependencies, error));
  }
};

const listingIn = async (dependencies: OwnDependencies, store: EventStore): Promise<ListTitle> =>
  listThrough(await openCommandHandler(dependencies, store), randomUUID());

/** Returns the error if nothing accepts the connection. */
const openInService = async (
  { config, lifecycle }: OwnDependencies,
  path: string,
): Promise<ListTitle | UnreachableServiceError> => {
  try {
    const { list } = await lifecycle.open(
      'import in the service',
      () => openServiceListing(path, config),
      (opened) => opened.close(),
    );
    return list;
  } catch (error) {
    if (error instanceof UnreachableServiceError) return error;
    throw error;
  }
};

/** Imports the file if the event store has no anime yet. */
export const importSample = async (
  store: EventStore,
  {
    handler,
    ...options
  }: Omit<ImportFileOptions, 'list' | 'relist' | 'clear'> & { readonly handler: CommandHandler },
): Promise<void> => {
  if (!(await isEmptyStore(store, options.signal))) return;
  await importFile({ ...options, list: listThrough(handler, randomUUID()) });
};

const isEmptyStore = async (store: EventStore, signal: AbortSignal): Promise<boolean> => {
  const all = store.subscribeToAll({ after: 'start', streamPrefix: ANIME_STREAM_PREFIX, signal });
  for await (const { kind } of all) {
    if (kind === 'event') return false;
    if (kind === 'caught-up') return true;
  }
  return false;
};
