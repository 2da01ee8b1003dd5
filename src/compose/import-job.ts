import { randomUUID } from 'node:crypto';
import { CatalogFormatError } from '../import/catalog-columns.js';
import { importCatalogFile } from '../import/import-file.js';
import { isComplete } from '../import/import-report.js';
import { listThrough } from '../import/listing.js';
import { ConfigError, type Config } from '../platform/config.js';
import type { CommandHandler } from '../command-side/handler.js';
import { createLifecycle } from '../platform/lifecycle.js';
import type { Logger } from '../platform/logger.js';
import { createMetrics } from '../platform/metrics.js';
import type { EventStore } from '../ports/event-store.js';
import { ANIME_STREAM_PREFIX } from '../domain/stream-name.js';
import { openCommandHandler } from './commands.js';
import { openEventStoreForJob } from './event-store.js';

export interface ImportOptions {
  readonly handler: CommandHandler;
  readonly logger: Logger;
  readonly file: string;
  readonly relist?: boolean;
  readonly clear?: boolean;
  readonly signal: AbortSignal;
}

/** Puts a catalogue file in. True when all of it is in; false when rows were left out or it was stopped. */
export const importFile = async (options: ImportOptions): Promise<boolean> => {
  const { handler, logger, file, relist = false, clear = false, signal } = options;
  try {
    const report = await importCatalogFile({
      ...{ path: file, output: process.stdout, logger, relist, clear, signal },
      list: listThrough(handler, randomUUID()),
      now: Date.now,
    });
    return isComplete(report);
  } catch (error) {
    const problem = problemOf(error);
    throw problem === undefined ? error : new ConfigError(`${file}: ${problem}`);
  }
};

const problemOf = (error: unknown): string | undefined => {
  if (error instanceof CatalogFormatError) return error.message;
  return error instanceof Error && 'code' in error ? PROBLEMS.get(error.code) : undefined;
};

const PROBLEMS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'there is no such file.'],
  ['ENOTDIR', 'there is no such file.'],
  ['EISDIR', 'this is a directory, not a file.'],
  ['EACCES', 'the file may not be read by this user.'],
]);

/** The import as a job of its own, beside a running service or without one. */
export const runImportJob = async (options: {
  readonly config: Config;
  readonly logger: Logger;
  readonly file: string;
  readonly relist: boolean;
  readonly clear: boolean;
  readonly stop: AbortSignal;
}): Promise<boolean> => {
  const { config, logger, file, relist, clear, stop } = options;
  const life = createLifecycle({ logger, timeoutMs: config.shutdownTimeoutMs });
  const metrics = createMetrics({ processMetrics: false });
  const needs = { config, logger, life, metrics };
  try {
    const store = await openEventStoreForJob(needs);
    const handler = await openCommandHandler(needs, store);
    return await importFile({ handler, logger, file, relist, clear, signal: stop });
  } finally {
    await life.close();
  }
};

/** Whether no anime was ever listed. */
export const isEmptyStore = async (store: EventStore, signal: AbortSignal): Promise<boolean> => {
  const all = store.subscribeToAll({ after: 'start', streamPrefix: ANIME_STREAM_PREFIX, signal });
  for await (const { kind } of all) {
    if (kind === 'event') return false;
    if (kind === 'caught-up') return true;
  }
  return false;
};
