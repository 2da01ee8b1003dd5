import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ListAnime } from '../domain/commands.js';
import { PortError, type PortErrorCode } from '../ports/errors.js';
import type { Logger } from '../platform/observability/logger.js';
import { backoffMs, pause } from '../platform/async/retry.js';
import { readCatalog, type CatalogOptions, type CatalogRow } from './catalog-csv.js';
import { createTally, type ImportReport, type ListingOutcome } from './import-report.js';

/**
 * Sends one command to the store and says what came of it. Rejects with a PortError where the store
 * did not take it; anything else is a bug and ends the import.
 */
export type ListTitle = (command: ListAnime) => Promise<ListingOutcome>;

export interface ImportProgress {
  readonly titles: number;
  readonly rejected: number;
  readonly bytesRead: number;
}

export interface CatalogImportOptions extends CatalogOptions {
  /** The bytes of a catalogue as CSV. Read to its end or closed. */
  readonly source: AsyncIterable<Buffer>;
  readonly list: ListTitle;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Lists delisted titles again instead of leaving them alone. */
  readonly relist?: boolean;
  /** Enough for the store to put many titles on disk at once. */
  readonly titlesInFlight?: number;
  /** How long one title is tried again after a conflict or while the store is away. */
  readonly titleDeadlineMs?: number;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Stops before the next title; those in flight are finished. */
  readonly signal?: AbortSignal;
}

/**
 * Lists every title of a catalogue, or revises those details that the file knows (with `clear`:
 * that it has a column for). It may be run again at any time, over the same file or another: what
 * is in already decides nothing.
 * Rejects with CatalogFormatError where the file is no catalogue, or with the error of a source
 * that cannot be read; what the store does is in the report.
 */
export const importCatalog = async (options: CatalogImportOptions): Promise<ImportReport> => {
  const { source, now, logger, titlesInFlight = 128, onProgress, signal } = options;
  const startedAt = now();
  const tally = createTally();
  const rows = inTurns(readCatalog(source, options));
  const stop = new AbortController();
  const stopSignal = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const list = retrying(options, stopSignal);

  const take = async (row: CatalogRow): Promise<void> => {
    const { line } = row;
    if (row.kind === 'rejected') {
      tally.reject({ line, reason: row.reason });
      return;
    }
    const { animeId, details } = row;
    try {
      tally.count(await list(row), { line, animeId, title: details.title });
    } catch (error) {
      const stopping = stopSignal.aborted;
      if (stopping || !(error instanceof PortError) || !isAboutOneTitle(error)) throw error;
      logger.warn('A title could not be imported', { line, animeId, error });
      tally.fail({ line, reason: error.message });
    }
  };

  const takeRows = async (): Promise<void> => {
    while (!stopSignal.aborted) {
      const next = await rows.next();
      if (next.done === true) return;
      await take(next.value);
      const { bytesRead } = next.value;
      onProgress?.({ titles: tally.titles(), rejected: tally.rejections(), bytesRead });
    }
  };

  let failure: PortError | undefined;
  const worker = async (): Promise<void> => {
    try {
      await takeRows();
    } catch (error) {
      // What fails because the import stops is not why it stopped.
      const stopping = stopSignal.aborted;
      stop.abort();
      if (!(error instanceof PortError)) throw error;
      if (!stopping) failure = error;
    }
  };
  const workers = Array.from({ length: titlesInFlight }, worker);
  await Promise.allSettled(workers);
  await rows.return(undefined);
  await Promise.all(workers);

  const counted = { ...tally.counted(), durationMs: now() - startedAt };
  if (failure !== undefined) return { ended: 'failed', error: failure, ...counted };
  return { ended: signal?.aborted === true ? 'aborted' : 'completed', ...counted };
};

/** A part of those in flight, so that the store works on some while others are prepared. */
const ROWS_PER_TURN = 32;

/**
 * Whatever is begun in one turn of the event loop leaves the process at its end. If all that are in
 * flight were begun in one turn, they would also come back in one, and this process and the store
 * would wait for each other by turns.
 */
async function* inTurns<Row>(rows: AsyncGenerator<Row>): AsyncGenerator<Row> {
  let taken = 0;
  for await (const row of rows) {
    if (taken === ROWS_PER_TURN) {
      await nextTurn();
      taken = 0;
    }
    taken += 1;
    yield row;
  }
}

/** Others may still go in: the store is there, but not for this stream or these data. */
const ABOUT_ONE_TITLE: ReadonlySet<PortErrorCode> = new Set([
  'CONFLICT',
  'STREAM_DELETED',
  'TOO_LARGE',
  'CORRUPT',
]);

const isAboutOneTitle = ({ code }: PortError): boolean => ABOUT_ONE_TITLE.has(code);

type TitleRow = Extract<CatalogRow, { kind: 'title' }>;

const TITLE_BACKOFF = { baseMs: 50, maxMs: 1000 };

const retrying = (
  { list, now, relist = false, titleDeadlineMs = 30_000 }: CatalogImportOptions,
  signal: AbortSignal,
) => {
  return async ({ animeId, details }: TitleRow): Promise<ListingOutcome> => {
    const at = new Date(now()).toISOString();
    const command: ListAnime = { type: 'ListAnime', animeId, at, details, relist };
    const deadline = performance.now() + titleDeadlineMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await list(command);
      } catch (error) {
        const later = error instanceof PortError && (error.retriable || error.code === 'CONFLICT');
        if (!later || performance.now() >= deadline || signal.aborted) throw error;
      }
      await pause(backoffMs(attempt, TITLE_BACKOFF), signal);
    }
  };
};
