import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ListAnime } from '../domain/commands.js';
import { backoffMs, pause } from '../platform/async/retry.js';
import type { Logger } from '../platform/observability/logger.js';
import type { CommandOptions, CommandResult } from '../ports/command-result.js';
import {
  OutcomeUnknownError,
  PortError,
  type PortErrorCode,
  TooLargeError,
  UnavailableError,
} from '../ports/errors.js';
import { type CatalogOptions, type CatalogRow, readCatalog } from './catalog-csv.js';
import { createTally, type ImportReport, type ListingOutcome } from './import-report.js';

/**
 * Sends one command and returns its outcome. Rejects with a PortError if the store refuses it; any
 * other error is a bug and ends the import.
 */
export type ListTitle = (command: ListAnime) => Promise<ListingOutcome>;

export interface ImportProgress {
  readonly titles: number;
  readonly rejected: number;
  readonly bytesRead: number;
}

export interface CatalogImportOptions extends CatalogOptions {
  /** The bytes of a CSV catalogue. Read to its end or closed. */
  readonly source: AsyncIterable<Buffer>;
  readonly list: ListTitle;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Lists delisted titles again instead of skipping them. */
  readonly relist?: boolean;
  /** Many, so that the store can commit them in one transaction. */
  readonly titlesInFlight?: number;
  /** How long one title is retried after a conflict or while the store is unavailable. */
  readonly titleDeadlineMs?: number;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Stops before the next title; those in flight are finished. */
  readonly signal?: AbortSignal;
}

/**
 * Lists every title of a catalogue, or revises the details that are known in the file (with `clear`:
 * those with a column). It can be run again at any time: unchanged titles append no event. Rejects
 * with CatalogFormatError if the file is not a catalogue, or with the error of the source. Failures
 * of the store are in the report.
 */
export const importCatalog = async (options: CatalogImportOptions): Promise<ImportReport> => {
  const { source, now, logger, titlesInFlight = 128, onProgress, signal } = options;
  const startedAt = now();
  const tally = createTally();
  const rows = withPauses(readCatalog(source, options));
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
      // A failure after the stop is not its cause.
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

/** Fewer than are in flight, so that the store works on some while others are prepared. */
const ROWS_PER_TURN = 32;

/**
 * Requests of one turn of the event loop leave the process at its end. If all titles in flight were
 * sent in one turn, their responses would arrive together as well, and this process and the store
 * would alternate instead of working in parallel.
 */
async function* withPauses<Row>(rows: AsyncGenerator<Row>): AsyncGenerator<Row> {
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

/** Failures of one stream or its data: other titles may still succeed. */
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

/** The command handler, as far as an import needs it. */
export interface ListingHandler {
  handle(command: ListAnime, options: CommandOptions): Promise<CommandResult>;
}

/** Sends titles to a command handler. All events of the import carry one correlation id. */
export const listThrough =
  (handler: ListingHandler, correlationId: string): ListTitle =>
  async (command) =>
    listingOutcomeOf(await handler.handle(command, { correlationId }), command);

const listingOutcomeOf = (result: CommandResult, { animeId }: ListAnime): ListingOutcome => {
  const anime = `anime ${animeId}`;
  switch (result.kind) {
    case 'accepted':
    case 'replayed':
      return result.type === 'AnimeListed' ? 'listed' : 'revised';
    case 'unchanged':
      return 'unchanged';
    case 'rejected':
      if (result.rejection.code === 'ANIME_DELISTED') return 'delisted';
      throw new Error(`A listing was rejected: ${result.rejection.reason}`);
    case 'precondition-failed':
    case 'key-reused':
    case 'user-key-unavailable':
      throw new Error(`A listing without precondition, key or user failed with ${result.kind}.`);
    case 'conflict':
      throw new PortError('CONFLICT', `Concurrent writes to ${anime} kept conflicting.`, false);
    case 'overloaded':
      throw new UnavailableError('Too many commands are waiting, or the service is stopping.');
    case 'unavailable':
      throw new UnavailableError('The event store is unavailable or refuses the command.');
    case 'outcome-unknown':
      throw new OutcomeUnknownError(`It is not known whether ${anime} was stored.`);
    case 'gone':
      throw new PortError('STREAM_DELETED', `The stream of ${anime} was deleted for ever.`, false);
    case 'unreadable':
    case 'truncated':
      throw new PortError('CORRUPT', `${result.problem.detail} ${result.problem.remedy}`, false);
    case 'access-denied':
      throw new PortError('ACCESS_DENIED', 'The event store denies access.', false);
    case 'refused-by-store':
      throw new PortError('NOT_SUPPORTED', 'The event store refuses the command.', false);
    case 'too-large':
      throw new TooLargeError(`The details of ${anime} are too large for the event store.`);
  }
};
